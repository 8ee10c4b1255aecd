//! `reconcile` and `wait` for people: a line an event, a list that is drawn in place, the plan, and how it ended.

mod picture;
mod plan;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::time::Duration;

use owo_colors::Style;

pub use picture::write_picture;
pub use plan::write_plan;

use super::page::{Page, Span, command_line};
use crate::model::ObjectKey;
use crate::reconcile::{Cut, End, Ending, Event, Failure, Grounds, Mode, StepState, StepView};
use crate::render::View;
use crate::render::text::{count, list_in_words};

/// The shortest words that name an object.
pub type Names<'a> = dyn Fn(&ObjectKey) -> String + 'a;

/// Characters of a controller's message that one line quotes.
const QUOTED: usize = 160;

/// Lines that the names of one row take at most, unless all are asked for.
const MOST_LINES: usize = 3;

/// Writes what has happened to one object, in one line; with `verbose` also what is awaited.
pub fn write_event(
    out: &mut dyn Write,
    event: &Event,
    names: &Names<'_>,
    view: View,
    mode: Mode,
    verbose: bool,
) -> io::Result<()> {
    let mut page = Page::new(out, View { width: None, ..view });
    let (symbols, palette) = (page.symbols, page.palette);
    let (symbol, style, object, words) = match event {
        Event::Waiting { object, behind } if verbose => {
            let words = format!("waits for {}", named(behind, names));
            (symbols.busy, palette.busy, object, words)
        }
        Event::Running { object, message } if verbose => {
            let words =
                if message.is_empty() { "runs".to_owned() } else { format!("runs: {}", quoted(message)) };
            (symbols.busy, palette.busy, object, words)
        }
        Event::Waiting { .. } | Event::Running { .. } => return Ok(()),
        Event::Asked { object, before: 0, .. } => {
            (symbols.command, palette.command, object, "asked".to_owned())
        }
        Event::Asked { object, .. } => (symbols.command, palette.command, object, "asked again".to_owned()),
        Event::Ended { end: End::LeftAlone { .. }, .. } if !verbose => return Ok(()),
        Event::Ended { object, end, took } => {
            let (symbol, style) = mark(end, &page);
            (symbol, style, object, ended(object, end, *took, mode, names))
        }
    };
    let line = format!("{} {}", style.style(symbol), palette.strong.style(page.words(&names(object))));
    let words = page.words(&words);
    page.line(&format!("{line} {words}"))
}

/// How an end looks.
fn mark(end: &End, page: &Page<'_>) -> (&'static str, Style) {
    let (symbols, palette) = (page.symbols, page.palette);
    match end {
        End::Done { .. } | End::LeftAlone { .. } => (symbols.good, palette.good),
        End::Failed(_) | End::OutOfTime { .. } => (symbols.bad, palette.bad),
        End::Refused(Grounds::Static) => (symbols.good, palette.dim),
        End::Refused(Grounds::Suspended) | End::Gone => (symbols.warning, palette.warning),
        End::Refused(_) => (symbols.bad, palette.bad),
        End::Skipped { .. } => (symbols.warning, palette.blocked),
        End::NotAsked | End::LeftRunning => (symbols.busy, palette.busy),
    }
}

/// How it ended, in words that follow the object's name.
fn ended(object: &ObjectKey, end: &End, took: Duration, mode: Mode, names: &Names<'_>) -> String {
    let took = seconds(took);
    match end {
        End::Done { revision, asked } => {
            let did = match (&*object.kind.kind, asked) {
                _ if object.kind.is_source() => "fetched",
                ("HelmRelease", _) => "released",
                ("Kustomization", _) => "applied",
                _ => "done",
            };
            let revision =
                revision.as_ref().map(|revision| format!(" {}", revision.short())).unwrap_or_default();
            let by_itself = if *asked { "" } else { ", without being asked" };
            format!("{did}{revision} in {took}{by_itself}")
        }
        End::LeftAlone { revision } => match revision {
            Some(revision) => format!("is at {} already", revision.short()),
            None => "is ready already".to_owned(),
        },
        End::Failed(Failure { reason, message, stalled }) => {
            let stalled = if *stalled { ", and will not be tried again" } else { "" };
            format!("failed after {took} with {reason}{stalled}: {}", quoted(message))
        }
        End::Skipped { behind } => format!("skipped: behind {}", named(behind, names)),
        End::Refused(grounds) => refused(grounds, names),
        End::OutOfTime { behind, message } if behind.is_empty() => {
            format!("did not get there in {took}{}", after_colon(&quoted(message)))
        }
        End::OutOfTime { behind, .. } => {
            format!("did not get its turn in {took}: it waits for {}", named(behind, names))
        }
        End::Gone => "was deleted on the way".to_owned(),
        End::NotAsked if mode == Mode::Wait => "is not up".to_owned(),
        End::LeftRunning if mode == Mode::Wait => "is still running".to_owned(),
        End::NotAsked => "was not asked".to_owned(),
        End::LeftRunning => "goes on inside the cluster".to_owned(),
    }
}

/// Why an object is not asked, in words that follow its name.
fn refused(grounds: &Grounds, names: &Names<'_>) -> String {
    match grounds {
        Grounds::Cycle { members } => {
            let around = members.iter().chain(members.first());
            let members: Vec<String> = around.map(names).collect();
            format!("refused: in or behind a cycle, {}", members.join(" → "))
        }
        Grounds::Suspended => "is suspended, and left as it is".to_owned(),
        Grounds::Missing { objects } => match objects.as_slice() {
            [one] => format!("refused: it needs {}, which does not exist", names(one)),
            several => format!("refused: it needs {}, which do not exist", named(several, names)),
        },
        Grounds::Static => "is nothing that a controller fetches on request".to_owned(),
        Grounds::Deadlock => "refused: it and what it waits for wait for each other".to_owned(),
    }
}

/// A few names.
fn named(keys: &[ObjectKey], names: &Names<'_>) -> String {
    let names: Vec<String> = keys.iter().map(names).collect();
    match names.len() {
        0..=4 => names.join(", "),
        more => format!("{} and {} more", names[..3].join(", "), more - 3),
    }
}

/// The beginning of a controller's message: its first line, and of that no more than is read at a glance.
fn quoted(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default().trim_end();
    if line.chars().count() <= QUOTED {
        return line.to_owned();
    }
    let cut: String = line.chars().take(QUOTED).collect();
    format!("{}…", cut.trim_end())
}

fn after_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

/// Tenths of a second below ten, whole ones below two minutes, then minutes.
pub(super) fn seconds(took: Duration) -> String {
    let tenths = took.as_millis() / 100;
    match took.as_secs() {
        0..10 => format!("{}.{}s", tenths / 10, tenths % 10),
        whole @ 10..120 => format!("{whole}s"),
        whole => format!("{}m{:02}s", whole / 60, whole % 60),
    }
}

/// What is told when it is over.
pub struct Over<'a> {
    /// The counts.
    pub ending: &'a Ending,
    /// Whether anything was asked at all.
    pub mode: Mode,
    /// How long it took.
    pub took: Duration,
    /// Where everything stands.
    pub steps: &'a [StepView<'a>],
    /// Where it was, such as `context home`.
    pub label: &'a str,
    /// Root causes that are told below.
    pub causes: usize,
    /// Whether the answer is good.
    pub is_good: bool,
}

/// Writes what a picture has shown that is no longer there: what failed, and what came up.
pub fn write_result(
    out: &mut dyn Write,
    steps: &[StepView<'_>],
    names: &Names<'_>,
    view: View,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    let mut up = Vec::new();
    for step in steps {
        let StepState::Ended(end) = &step.state else { continue };
        let (symbol, style) = mark(end, &page);
        let took = step.since.saturating_sub(step.turn.unwrap_or(step.since));
        match end {
            End::Failed(_) | End::OutOfTime { .. } => {
                let text =
                    format!("{} {}", names(step.object), ended(step.object, end, took, Mode::Ask, names));
                let spans: Vec<Span> = text.split(' ').map(|word| page.plain(word)).collect();
                let symbol = page.span(symbol, style);
                page.flow(&symbol, &spans, " ")?;
            }
            End::Done { .. } if step.wanted && !step.object.kind.is_source() => up.push(names(step.object)),
            _ => {}
        }
    }
    if !up.is_empty() {
        let symbol = page.span(page.symbols.good, page.palette.good);
        let room = page.width.map(|width| width.saturating_sub(2));
        let text = list_in_words(&up, room, MOST_LINES, page.symbols.ellipsis);
        let spans: Vec<Span> = text.split(' ').map(|word| page.plain(word)).collect();
        page.flow(&symbol, &spans, " ")?;
    }
    Ok(())
}

/// Writes what did not come up, by what it ended with, then the verdict.
pub fn write_ending(
    out: &mut dyn Write,
    over: &Over<'_>,
    names: &Names<'_>,
    view: View,
    verbose: bool,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    rows(&mut page, over, names, verbose)?;
    verdict(&mut page, over)
}

fn verdict(page: &mut Page<'_>, over: &Over<'_>) -> io::Result<()> {
    let Ending { cut, done, left_alone, failed, skipped, refused, suspended, out_of_time, .. } = *over.ending;
    let Ending { gone, not_asked, left_running, sources_failed, .. } = *over.ending;
    let symbol = if over.is_good {
        page.span(page.symbols.good, page.palette.good)
    } else {
        page.span(page.symbols.bad, page.palette.bad)
    };
    let (did, alone) = match over.mode {
        Mode::Ask => ("brought up", "up already"),
        Mode::Wait => ("came up", "up already"),
    };
    let counts = [
        (failed, "failed"),
        (out_of_time, "out of time"),
        (skipped, "skipped"),
        (refused, "refused"),
        (left_running, "left running"),
        (not_asked, if over.mode == Mode::Wait { "not up" } else { "not asked" }),
        (done, did),
        (left_alone, alone),
        (suspended, "suspended"),
        (gone, "deleted on the way"),
    ];
    let mut parts: Vec<String> = Vec::new();
    if sources_failed > 0 {
        parts.push(format!("{} failed", count(sources_failed, "source")));
    }
    parts.extend(
        counts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")),
    );
    if parts.is_empty() {
        parts.push("nothing to do".to_owned());
    }
    let cut = match cut {
        Some(Cut::Interrupted) => "stopped: ",
        Some(Cut::TimedOut) => "out of time: ",
        Some(Cut::FailedFast) | None => "",
    };
    let causes = match over.causes {
        number if number > 0 && !over.ending.is_bad() => format!("; {}", count(number, "root cause")),
        _ => String::new(),
    };
    let text = format!("{cut}{} in {}{causes}", parts.join(", "), seconds(over.took));
    let label = page.span(over.label, page.palette.dim);
    let spans: Vec<Span> = text.split(' ').map(|word| page.plain(word)).collect();
    page.flow_with_tail(&symbol, &spans, " ", Some(&label))
}

/// Writes how to see what was not explained.
pub fn write_more(out: &mut dyn Write, left: usize, again: &Option<Vec<String>>, view: View) -> io::Result<()> {
    let mut page = Page::new(out, view);
    let text = page.plain(format!("{} not told here; all of them:", count(left, "more object")));
    page.paragraph(0, &text)?;
    let words: Vec<&str> = again.iter().flatten().map(String::as_str).collect();
    let command = command_line("kubectl fluxlayers why", &words);
    page.command(&command)
}

/// What did not come up, a row for each reason: those that say the same stand together.
fn rows(page: &mut Page<'_>, over: &Over<'_>, names: &Names<'_>, verbose: bool) -> io::Result<()> {
    let mut groups: Vec<(String, &End, Vec<String>)> = Vec::new();
    for step in over.steps {
        let StepState::Ended(end) = &step.state else { continue };
        let words = match end {
            End::Done { .. } | End::LeftAlone { .. } | End::Refused(Grounds::Static) => continue,
            End::Failed(_) | End::OutOfTime { .. } => continue, // each has been told by itself, and is explained below
            End::Skipped { behind } => format!("skipped, behind {}:", named(behind, names)),
            End::Refused(Grounds::Suspended) => "suspended, and left as they are:".to_owned(),
            End::Refused(grounds) => format!("{}:", refused(grounds, names)),
            End::Gone => "deleted on the way:".to_owned(),
            End::NotAsked if over.mode == Mode::Wait => "not up:".to_owned(),
            End::NotAsked => "not asked:".to_owned(),
            End::LeftRunning if over.mode == Mode::Wait => "still running:".to_owned(),
            End::LeftRunning => "going on inside the cluster:".to_owned(),
        };
        let name = names(step.object);
        match groups.iter_mut().find(|(known, ..)| *known == words) {
            Some((.., members)) => members.push(name),
            None => groups.push((words, end, vec![name])),
        }
    }
    for (words, end, members) in groups {
        let (symbol, style) = mark(end, page);
        let symbol = page.span(symbol, style);
        let most = if verbose { usize::MAX } else { MOST_LINES };
        let room = page.width.map(|width| width.saturating_sub(2));
        let list = list_in_words(&members, room, most, page.symbols.ellipsis);
        let text = format!("{words} {list}");
        let spans: Vec<Span> = text.split(' ').map(|word| page.plain(word)).collect();
        page.flow(&symbol, &spans, " ")?;
    }
    Ok(())
}

/// The word of a layer's first column.
fn layer(step: &StepView<'_>) -> String {
    match step.layer {
        _ if step.object.kind.is_source() => "sources".to_owned(),
        Some(layer) => layer.to_string(),
        None => "-".to_owned(),
    }
}
