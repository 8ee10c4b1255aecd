//! `status --watch`: the report of `status`, kept up to date.
//!
//! On a terminal the report is drawn in place; in a pipe there is one line a change, or one document a change.

use std::io::Write as _;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::origin::{self, Followed};
use super::signals::{Signal, Signals};
use super::status::{Format, StatusArgs, is_empty, note, select, style};
use crate::cli::GlobalArgs;
use crate::cluster::{Trouble, Watch};
use crate::diagnosis::selection::{Outcome, Selection};
use crate::diagnosis::{Marks, diagnose};
use crate::error::CommandError;
use crate::output::Output;
use crate::render::json::status::StatusV1;
use crate::render::{human, json, yaml};

/// At most two pictures a second…
const BETWEEN_PICTURES: Duration = Duration::from_millis(500);
/// …and one where nothing but the clock moves.
const BETWEEN_TICKS: Duration = Duration::from_secs(1);
/// However large the cluster: changes are worth a quarter of the processor's time…
const REST_AFTER_CHANGE: u32 = 3;
/// …and the clock a twentieth.
const REST_AFTER_TICK: u32 = 19;

/// Follows the cluster until it is told to stop or nobody reads any more.
pub(super) async fn run(
    args: &StatusArgs,
    global: &GlobalArgs,
    out: &mut Output,
) -> Result<Outcome, CommandError> {
    if args.output.format == Format::Name {
        let message = "--watch tells changes, and -o name has no words for them".to_owned();
        return Err(CommandError::Usage {
            message,
            hint: Some("-o json has one document a change".to_owned()),
        });
    }
    let mut signals = Signals::new()?;
    let begun = async {
        let cluster = origin::cluster(global, "--watch", out).await?;
        Ok::<_, CommandError>(
            cluster.watch(&origin::namespaces(global, &args.objects), global.origin.now).await?,
        )
    };
    let mut watch: Watch = tokio::select! {
        begun = begun => begun?,
        stopped = signals.stopped() => return Err(stopped),
    };
    let mut first = watch.snapshot();
    let mut repositories = Followed::new(global, &first, out)?;
    repositories.join(global, &mut first);
    let first = diagnose(&first);
    origin::require_flux(&first, global, out)?;
    let selection = select(args, global, &first)?;
    let drawn = matches!(args.output.format, Format::Table | Format::Wide) && out.can_draw();
    let told = match args.output.format {
        _ if drawn => Told::Picture(String::new()),
        Format::Json | Format::Yaml => Told::Document(Vec::new()),
        _ => Told::Lines(None),
    };
    if drawn {
        out.enter_screen()?;
    }
    let mut teller = Teller { args, global, repositories, selection, told, trouble: None };
    let ended = follow(&mut watch, &mut teller, &mut signals, out).await;
    out.leave_screen();
    ended
}

async fn follow(
    watch: &mut Watch,
    teller: &mut Teller<'_>,
    signals: &mut Signals,
    out: &mut Output,
) -> Result<Outcome, CommandError> {
    loop {
        let started = Instant::now();
        let outcome = teller.tell(watch, out)?;
        if out.is_closed() {
            return Ok(outcome);
        }
        let cost = started.elapsed();
        let next_picture = Instant::now() + BETWEEN_PICTURES.max(cost * REST_AFTER_CHANGE);
        let next_tick = Instant::now() + BETWEEN_TICKS.max(cost * REST_AFTER_TICK);
        let mut has_changed = false;
        loop {
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::Stop(number) => return Err(CommandError::Stopped(number)),
                    Signal::Resized => {
                        teller.forget();
                        break;
                    }
                    Signal::StepAside => {
                        let drawn = matches!(teller.told, Told::Picture(_));
                        out.leave_screen();
                        Signals::step_aside()?;
                        if drawn {
                            out.enter_screen()?;
                        }
                        teller.forget();
                        break;
                    }
                },
                () = sleep_until(next_picture), if has_changed => break,
                () = sleep_until(next_tick) => break,
                _ = watch.changed() => has_changed = true,
            }
        }
    }
}

/// Tells what has changed since it told last.
struct Teller<'a> {
    args: &'a StatusArgs,
    global: &'a GlobalArgs,
    repositories: Followed,
    selection: Selection,
    told: Told,
    /// What was said of a lost connection.
    trouble: Option<Trouble>,
}

/// What was told last.
enum Told {
    Picture(String),
    Lines(Option<Marks>),
    Document(Vec<u8>),
}

impl Teller<'_> {
    /// Forgets the picture, because it is no longer on the screen.
    fn forget(&mut self) {
        if let Told::Picture(picture) = &mut self.told {
            picture.clear();
        }
    }

    fn tell(&mut self, watch: &mut Watch, out: &mut Output) -> Result<Outcome, CommandError> {
        out.measure(); // not every system tells that a terminal has another size
        let mut snapshot = watch.snapshot();
        self.repositories.join(self.global, &mut snapshot);
        let diagnosis = diagnose(&snapshot);
        let status = self.selection.view(&diagnosis);
        let (now, view) = (diagnosis.now, out.view());
        let style = style(self.args, self.global, view);
        match &mut self.told {
            Told::Picture(before) => {
                let (mut text, mut last) = (Vec::new(), Vec::new());
                if !is_empty(&status) {
                    human::status::write(&mut text, &status, &style)?;
                }
                if let Some(note) = note(&status) {
                    writeln!(text, "{note}")?;
                }
                if let Some(Trouble { since, what, reason, .. }) = watch.trouble() {
                    human::watch::write_trouble(&mut last, what, reason, *since, now, view)?;
                }
                let [text, last] = [text, last].map(|text| String::from_utf8_lossy(&text).into_owned());
                let picture = format!("{text}{last}");
                if picture != *before {
                    out.draw(&text, &last)?;
                    *before = picture;
                }
                return Ok(status.outcome(self.args.strict));
            }
            Told::Lines(before) => {
                let marks = Marks::of(&status);
                match before {
                    None => human::status::write_verdict(out.stdout(), &status, &style)?,
                    Some(before) => {
                        for change in before.changes_to(&marks) {
                            human::watch::write_change(out.stdout(), &change, &status, now, view)?;
                        }
                    }
                }
                *before = Some(marks);
            }
            Told::Document(before) => {
                let (mut document, report) = (Vec::new(), StatusV1::new(&status));
                if self.args.output.format == Format::Yaml {
                    document.extend(b"---\n");
                    yaml::write(&mut document, &report)?;
                } else {
                    json::write_line(&mut document, &report)?;
                }
                if document != *before {
                    out.stdout().write_all(&document)?;
                    *before = document;
                }
            }
        }
        out.finish()?;
        tell_trouble(&mut self.trouble, watch.trouble(), out);
        Ok(status.outcome(self.args.strict))
    }
}

/// Where no picture says so, standard error does, once for each way in which it fails; `before` is what was said last.
pub(super) fn tell_trouble(before: &mut Option<Trouble>, now: Option<&Trouble>, out: &Output) {
    match (&*before, now) {
        (Some(before), None) => out.note(&format!("{} is back", before.what)),
        (before, Some(trouble)) if before.as_ref().map(|it| it.failure) != Some(trouble.failure) => {
            let Trouble { what, since, reason, .. } = trouble;
            let since = human::watch::clock(*since);
            out.warn(&format!("{what} lost, last heard of it {since}, trying again: {reason}"));
        }
        _ => {}
    }
    *before = now.cloned();
}
