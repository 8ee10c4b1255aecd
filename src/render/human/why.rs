//! `why` for people: the verdict, the chain to each root cause, what proves it and what to do.

use std::io::{self, Write};

use super::cause;
use super::page::Page;
use crate::diagnosis::why::{Target, Why};
use crate::diagnosis::{Cause, ObjectReport, State, Verdict};
use crate::model::{GroupKind, ObjectKey};
use crate::render::View;
use crate::render::text::{age, count, moment};

/// Writes one answer.
///
/// Of long quotations only the beginning is told, unless `verbose`.
pub fn write(out: &mut dyn Write, why: &Why<'_>, view: View, verbose: bool) -> io::Result<()> {
    let page = Page::new(out, view);
    Report { page, why, verbose }.write()
}

struct Report<'a, 'p> {
    page: Page<'p>,
    why: &'a Why<'a>,
    verbose: bool,
}

impl Report<'_, '_> {
    fn write(mut self) -> io::Result<()> {
        self.verdict()?;
        let alone = self.why.causes.len() == 1;
        if let [cause] = self.why.causes.as_slice() {
            self.chain(cause)?;
        }
        if let Target::Object(object) = self.why.target {
            self.rests_on(object)?;
        }
        for cause in &self.why.causes {
            self.page.blank()?;
            self.cause(cause, alone)?;
        }
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
                (source.state, format!("{}: {}, {has}", self.name(&source.key), source.state.as_str()))
            }
            Target::Missing(key) => (State::Missing, format!("{}: does not exist", self.name(key))),
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
            (None, _) => text.push_str(", never applied"),
        }
        text
    }

    /// What a target without causes rests on, or waits for.
    fn rests_on(&mut self, object: &ObjectReport) -> io::Result<()> {
        if !self.why.causes.is_empty() {
            return Ok(());
        }
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
        if !parts.is_empty() {
            let line = self.page.span(format!("rests on {}", parts.join(", ")), self.page.palette.dim);
            self.page.paragraph(2, &line)?;
        }
        if let Some(ready) = &object.ready {
            let line = self.page.plain(format!("condition: {}: {}", ready.reason, ready.message.trim()));
            self.page.paragraph(2, &line)?;
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
        cause::evidence(&mut self.page, cause, now, self.verbose)?;
        if let Some(clock) = cause::clock(cause, self.why.diagnosis) {
            let line = self.page.plain(format!("clock: {clock}"));
            self.page.paragraph(2, &line)?;
        }
        cause::remedies(&mut self.page, cause)
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
            Target::All { .. } => None,
        };
        let at_home = home.is_some_and(|home| home.namespace == key.namespace && home.kind == key.kind);
        match key.kind == GroupKind::KUSTOMIZATION {
            _ if at_home => key.name.clone(),
            true => key.namespaced_name(),
            false => format!("{} {}", key.kind.kind, key.namespaced_name()),
        }
    }
}
