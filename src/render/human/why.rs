//! `why` for people: the verdict, the chain to each root cause, what proves it and what to do.

use std::io::{self, Write};

use jiff::Timestamp;

use super::cause::{self, Links};
use super::page::{Lead, Page};
use crate::diagnosis::why::{NotFetched, Target, Why};
use crate::diagnosis::{Cause, ObjectReport, RetryClock, SourceReport, State, Verdict};
use crate::model::{At, GroupKind, ObjectKey};
use crate::render::View;
use crate::render::text::{age, count, list_in_words, moment, period};

/// Writes one answer.
///
/// Of long quotations only the beginning is told, unless `verbose`. `links` gives the URL of a place in the repository.
pub fn write(
    out: &mut dyn Write,
    why: &Why<'_>,
    view: View,
    verbose: bool,
    links: &dyn Fn(&At) -> Option<String>,
) -> io::Result<()> {
    let page = Page::new(out, view);
    Report { page, why, verbose, links }.write()
}

/// What comes after the root causes is told in full up to so many.
const MOST_NEXT: usize = 3;

struct Report<'a, 'p> {
    page: Page<'p>,
    why: &'a Why<'a>,
    verbose: bool,
    links: Links<'a>,
}

impl Report<'_, '_> {
    fn write(mut self) -> io::Result<()> {
        self.verdict()?;
        let alone = self.why.causes.len() == 1;
        if let [cause] = self.why.causes.as_slice() {
            self.chain(cause)?;
        }
        self.target()?;
        for cause in &self.why.causes {
            self.page.blank()?;
            self.cause(cause, alone)?;
        }
        self.next()?;
        self.footer()
    }

    fn verdict(&mut self) -> io::Result<()> {
        let why = self.why;
        let causes = match why.causes.len() {
            0 => String::new(),
            number => format!("; {}", count(number, "root cause")),
        };
        let (state, text) = match why.target {
            Target::All { namespace } => {
                let here =
                    |object: &&ObjectReport| namespace.is_none_or(|wanted| object.key.namespace == wanted);
                let objects = why.diagnosis.objects.values().filter(here);
                let bad = objects.filter(|object| object.state.is_bad()).count();
                let state = if why.is_bad() { State::Failed } else { State::Ready };
                let text = match bad {
                    0 if why.causes.is_empty() => "nothing is failed, blocked, missing or unknown".to_owned(),
                    0 => "nothing is stopped yet".to_owned(),
                    _ => format!("{} not well", count(bad, "object")),
                };
                (state, text)
            }
            Target::Object(object) => (object.state, self.object(object)),
            Target::Source(source) => {
                let fetched = source.fetched.as_ref();
                let has = fetched.map_or_else(
                    || "no artifact".to_owned(),
                    |(revision, _)| format!("has {}", revision.short()),
                );
                let now = why.diagnosis.now;
                let since = source.since.filter(|_| source.state != State::Suspended);
                let since = since.map(|since| format!(" since {} ({})", moment(since, now), age(since, now)));
                let (name, since) = (self.name(&source.key), since.unwrap_or_default());
                (source.state, format!("{name}: {}{since}, {has}", source.state.as_str()))
            }
            Target::Missing(key) => (State::Missing, format!("{}: does not exist", self.name(key))),
            Target::NotFetched(found) => {
                (State::Progressing, format!("{}: in the repository only", self.name(&found.key)))
            }
        };
        let symbol = match state {
            State::Ready => self.page.span(self.page.symbols.good, self.page.palette.good),
            state if state.is_bad() || why.is_bad() => {
                self.page.span(self.page.symbols.bad, self.page.palette.bad)
            }
            _ => self.page.span(self.page.symbols.busy, self.page.palette.busy),
        };
        let spans = [self.page.plain(format!("{text}{causes}"))];
        let label = self.page.span(&why.diagnosis.label, self.page.palette.dim);
        self.page.flow_with_tail(&symbol, &spans, " ", Some(&label))
    }

    fn object(&self, object: &ObjectReport) -> String {
        let now = self.why.diagnosis.now;
        let mut text = format!("{}: {}", self.name(&object.key), object.state.as_str());
        if object.stalled {
            text.push_str(" (stalled)");
        }
        if object.retrying {
            text.push_str(" (retrying)");
        }
        if let Some(since) = object.since {
            text.push_str(&format!(" since {} ({})", moment(since, now), age(since, now)));
        }
        match (&object.revision, object.state) {
            (Some(revision), State::Ready) => text.push_str(&format!(", runs {}", revision.short())),
            (Some(revision), _) => text.push_str(&format!(", still runs {}", revision.short())),
            (None, State::Ready) => {}
            _ if self.why.diagnosis.is_declared() => text.push_str("; whether anything runs is not known"),
            (None, State::Missing) if object.declared_at.is_some() => {
                text.push_str(": declared in Git, not on the cluster");
            }
            (None, _) => text.push_str(", never applied"),
        }
        text
    }

    /// What is told of a target beside its root causes.
    fn target(&mut self) -> io::Result<()> {
        match self.why.target {
            Target::Object(object) => self.about_object(object),
            Target::Source(source) => self.about_source(source),
            Target::NotFetched(found) => self.about_unfetched(found),
            Target::All { .. } | Target::Missing(_) => Ok(()),
        }
    }

    fn about_object(&mut self, object: &ObjectReport) -> io::Result<()> {
        let now = self.why.diagnosis.now;
        let alone = self.why.causes.is_empty();
        self.declared(object.declared_at.as_ref().filter(|_| alone || object.state == State::Missing))?;
        self.suspended_by(object.suspended_by.as_ref())?;
        if let Some(doing) = &object.doing {
            self.label("runs", doing.trim())?;
        }
        if alone {
            self.rests_on(object)?;
            let told = object.doing.is_some() || (object.state == State::Ready && !self.verbose); // the verdict says it
            if let Some(ready) = object.ready.as_ref().filter(|_| !told) {
                let time = ready.since.map(|since| format!("{} ", moment(since, now))).unwrap_or_default();
                self.label("seen", &format!("{time}{}: {}", ready.reason, ready.message.trim()))?;
            }
        }
        let fails = object.state == State::Failed && !alone; // its cause has the clock
        match (&object.clock, object.state) {
            _ if fails => Ok(()),
            (RetryClock { every: Some(every), .. }, State::Blocked) => self.label(
                "clock",
                &format!("looked at again every {}: it goes on by itself once that is mended", period(*every)),
            ),
            (RetryClock { every: Some(every), next_try: None, .. }, State::Progressing) => {
                self.label("clock", &format!("looked at again every {}", period(*every)))
            }
            (RetryClock { every: Some(every), next_try: Some(next), .. }, State::Ready) => {
                let next =
                    if *next <= now { "due".to_owned() } else { format!("about {}", moment(*next, now)) };
                self.label("clock", &format!("next run {next} (every {}), sooner after a push", period(*every)))
            }
            (clock, _) => match cause::tries(clock, now) {
                Some(tries) => self.label("clock", &tries),
                None => Ok(()),
            },
        }
    }

    fn about_source(&mut self, source: &SourceReport) -> io::Result<()> {
        let now = self.why.diagnosis.now;
        let alone = self.why.causes.is_empty();
        self.declared(source.declared_at.as_ref().filter(|_| alone))?;
        self.suspended_by(source.suspended_by.as_ref())?;
        let users: Vec<String> = source.users.iter().map(|key| self.name(key)).collect();
        let width = self.page.width.map(|width| width.saturating_sub(10));
        let users = match users.len() {
            0 => "nothing in sight".to_owned(),
            _ => list_in_words(
                &users,
                width,
                if self.verbose { usize::MAX } else { 2 },
                self.page.symbols.ellipsis,
            ),
        };
        self.label("users", &users)?;
        let told = source.state == State::Ready && !self.verbose;
        if let Some(ready) = source.ready.as_ref().filter(|_| alone && !told) {
            self.label("seen", &format!("{}: {}", ready.reason, ready.message.trim()))?;
        }
        let fetched = source.fetched.as_ref().and_then(|(_, time)| *time);
        let fetched =
            fetched.map(|time| format!("new content came {} ({})", moment(time, now), age(time, now)));
        let every = source.interval.map(|interval| format!("looked for every {}", period(interval)));
        let clock: Vec<String> = fetched.into_iter().chain(every).collect();
        if clock.is_empty() { Ok(()) } else { self.label("clock", &clock.join("; ")) }
    }

    fn about_unfetched(&mut self, found: &NotFetched) -> io::Result<()> {
        self.declared(Some(&found.at))?;
        self.label("clock", &found.waits_for)
    }

    fn declared(&mut self, at: Option<&At>) -> io::Result<()> {
        let Some(at) = at else { return Ok(()) };
        let (text, link) = (format!("{}:{}", at.path, at.line), (self.links)(at));
        let nothing = self.page.plain("");
        self.page.labelled("file", Some(Lead { text: &text, link: link.as_deref() }), &nothing)
    }

    fn suspended_by(&mut self, by: Option<&(String, Option<Timestamp>)>) -> io::Result<()> {
        let Some((manager, time)) = by else { return Ok(()) };
        let now = self.why.diagnosis.now;
        let who = match manager.as_str() {
            "flux" => "the flux command line".to_owned(),
            "kustomize-controller" | "helm-controller" => format!("{manager}: it is suspended in Git"),
            manager => manager.to_owned(),
        };
        let when = time.map(|time| format!(", {} ({})", moment(time, now), age(time, now))).unwrap_or_default();
        self.label("by", &format!("{who}{when}"))
    }

    fn label(&mut self, label: &str, text: &str) -> io::Result<()> {
        let words = self.page.plain(text);
        self.page.labelled(label, None, &words)
    }

    /// What a target without causes rests on, or waits for.
    fn rests_on(&mut self, object: &ObjectReport) -> io::Result<()> {
        let mut parts: Vec<String> = object
            .depends_on
            .iter()
            .map(|(key, verdict)| {
                let verdict = if *verdict == Verdict::Ready { "ready" } else { verdict.as_str() };
                format!("{} ({verdict})", self.name(key))
            })
            .collect();
        if let Some(source) = &object.source {
            let revision = object.source_revision.as_ref().map(|revision| format!(" at {}", revision.short()));
            parts.push(format!("{}{}", self.name(source), revision.unwrap_or_default()));
        }
        if parts.is_empty() { Ok(()) } else { self.label("needs", &parts.join(", ")) }
    }

    /// What would stop it when all this is mended.
    fn next(&mut self) -> io::Result<()> {
        let next = &self.why.next;
        let told = if self.verbose { next.len() } else { next.len().min(MOST_NEXT) };
        for cause in &next[..told] {
            self.page.blank()?;
            let symbol = self.page.span(self.page.symbols.warning, self.page.palette.warning);
            let whom = cause.affected.first().map(|key| self.name(key)).unwrap_or_default();
            let more = match cause.affected.len() {
                0 | 1 => String::new(),
                many => format!(" and {}", count(many - 1, "other")),
            };
            let spans = [
                self.page.plain("next"),
                self.page.span(format!("{whom}{more}"), self.page.palette.strong),
                self.page.span(cause::code(cause), self.page.palette.warning),
                self.page.plain(if self.why.causes.is_empty() {
                    "once it runs"
                } else {
                    "once the above is mended"
                }),
            ];
            self.page.flow(&symbol, &spans, "  ")?;
            let summary = self.page.plain(&cause.fault.summary);
            self.page.paragraph(2, &summary)?;
            if self.verbose {
                cause::evidence(&mut self.page, cause, self.why.diagnosis.now, true, self.links)?;
                cause::remedies(&mut self.page, cause, 0)?;
            }
        }
        if told < next.len() {
            let text = format!(
                "{} and {} more come after that: -v tells them",
                self.page.symbols.ellipsis,
                next.len() - told
            );
            let line = self.page.span(text, self.page.palette.dim);
            self.page.paragraph(0, &line)?;
        }
        Ok(())
    }

    fn chain(&mut self, cause: &Cause) -> io::Result<()> {
        if cause.chain.len() < 2 {
            return Ok(());
        }
        let names = cause.chain.iter().map(|key| self.name(key)).collect();
        let line = self.page.plain(cause::arrows(&self.page, names));
        self.page.paragraph(2, &line)
    }

    fn cause(&mut self, cause: &Cause, alone: bool) -> io::Result<()> {
        let now = self.why.diagnosis.now;
        let title = self.name(&cause.fault.object);
        cause::head(&mut self.page, &title, cause, now)?;
        if !alone {
            self.chain(cause)?;
        }
        let summary = self.page.plain(&cause.fault.summary);
        self.page.paragraph(2, &summary)?;
        if !cause.cycle.is_empty() {
            let names = cause.cycle.iter().chain(cause.cycle.first()).map(|key| self.name(key)).collect();
            let line = self.page.plain(cause::arrows(&self.page, names));
            self.page.paragraph(2, &line)?;
        }
        cause::evidence(&mut self.page, cause, now, self.verbose, self.links)?;
        if let Some(clock) = cause::clock(cause, self.why.diagnosis) {
            self.label("clock", &clock)?;
        }
        if !cause.fault.remedies.is_empty() && alone {
            self.page.blank()?;
        }
        cause::remedies(&mut self.page, cause, 0)
    }

    fn footer(&mut self) -> io::Result<()> {
        for warning in &self.why.warnings {
            let symbol = self.page.span(self.page.symbols.warning, self.page.palette.warning);
            let spans =
                [self.page.span(warning.code, self.page.palette.warning), self.page.plain(&warning.text)];
            self.page.blank()?;
            self.page.flow(&symbol, &spans, "  ")?;
        }
        if !self.why.diagnosis.complete {
            self.page.blank()?;
            let text = super::incomplete(!self.why.warnings.is_empty());
            let line = self.page.span(text, self.page.palette.warning);
            self.page.paragraph(0, &line)?;
        }
        Ok(())
    }

    /// A Kustomization of the target's namespace by its name alone, everything else with kind and namespace.
    fn name(&self, key: &ObjectKey) -> String {
        let home = match self.why.target {
            Target::Object(object) => Some(&object.key),
            Target::Source(source) => Some(&source.key),
            Target::Missing(key) => Some(key),
            Target::NotFetched(found) => Some(&found.key),
            Target::All { .. } => None,
        };
        let namespace = home.filter(|home| home.namespace == key.namespace);
        let is_kustomization = key.kind == GroupKind::KUSTOMIZATION;
        let at_home = namespace.is_some_and(|home| home.kind == key.kind || is_kustomization);
        match is_kustomization {
            _ if at_home => key.name.clone(),
            true => key.namespaced_name(),
            false => format!("{} {}", key.kind.kind, key.namespaced_name()),
        }
    }
}
