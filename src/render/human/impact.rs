//! `impact` for people: what waits, what would stop, what would go.

use std::io::{self, Write};

use super::page::Page;
use crate::diagnosis::State;
use crate::diagnosis::impact::{Deletes, Dependent, Effect, Impact};
use crate::diagnosis::selection::{spell, spell_in_full};
use crate::diagnosis::why::Target;
use crate::graph::Relation;
use crate::model::{GroupKind, ObjectKey, OriginKind};
use crate::render::View;
use crate::render::text::{age, columns, count, list, moment};

/// Lines that the names of one row take at most, unless all are asked for.
const MOST_LINES: usize = 3;

/// Distances that have a row each, unless all are asked for.
const MOST_ROWS: usize = 12;

/// Writes one answer; `verbose` names every object.
pub fn write(out: &mut dyn Write, impact: &Impact<'_>, view: View, verbose: bool) -> io::Result<()> {
    Report { page: Page::new(out, view), impact, verbose }.write()
}

struct Report<'a, 'p> {
    page: Page<'p>,
    impact: &'a Impact<'a>,
    verbose: bool,
}

/// A row of a table: its cells, and the names in its last column.
struct Row {
    cells: Vec<String>,
    names: Vec<String>,
}

impl Report<'_, '_> {
    fn write(mut self) -> io::Result<()> {
        self.head()?;
        self.waiting_now()?;
        self.dependents()?;
        if let Some(deletes) = &self.impact.deletes {
            self.deletes(deletes)?;
        }
        self.footer()
    }

    fn head(&mut self) -> io::Result<()> {
        let diagnosis = self.impact.diagnosis;
        let (state, key, since) = match self.impact.target {
            Target::Object(object) => (object.state, &object.key, object.since),
            Target::Source(source) => (source.state, &source.key, None),
            Target::Missing(key) => (State::Missing, key, None),
            Target::All { .. } | Target::NotFetched(_) => return Ok(()),
        };
        let since = since
            .map(|since| format!(" since {} ({})", moment(since, diagnosis.now), age(since, diagnosis.now)));
        let symbol = match state {
            State::Unknown if diagnosis.origin == OriginKind::Declared => {
                self.page.plain(self.page.symbols.busy)
            }
            State::Ready => self.page.span(self.page.symbols.good, self.page.palette.good),
            state if state.is_bad() => self.page.span(self.page.symbols.bad, self.page.palette.bad),
            _ => self.page.span(self.page.symbols.busy, self.page.palette.busy),
        };
        let text = format!("{}: {}{}", spell(diagnosis, key), state.as_str(), since.unwrap_or_default());
        let label = self.page.span(&diagnosis.label, self.page.palette.dim);
        let spans = [self.page.plain(text)];
        self.page.flow_with_tail(&symbol, &spans, " ", Some(&label))
    }

    fn waiting_now(&mut self) -> io::Result<()> {
        if self.impact.diagnosis.origin == OriginKind::Declared {
            return self.sentence("what waits for it now only a cluster can tell");
        }
        let waiting = &self.impact.waiting_now;
        if waiting.is_empty() {
            return self.sentence("nothing waits for it now");
        }
        let text = format!("{} for it now", told(waiting.len(), "object waits", "objects wait"));
        self.sentence(&text)?;
        let names = self.names(waiting.iter());
        self.table(&[], vec![Row { cells: Vec::new(), names }])
    }

    fn dependents(&mut self) -> io::Result<()> {
        let impact = self.impact;
        let of = |effect: Effect| impact.dependents.iter().filter(|it| it.effect == effect).count();
        let when = self.when();
        let text = match (of(Effect::Stops), of(Effect::Frozen)) {
            (0, 0) => return self.sentence("nothing depends on it"),
            (stop, 0) => format!("{when}, {}", told(stop, "object stops", "objects stop")),
            (0, frozen) => {
                format!("{when}, nothing stops; {} nothing new", told(frozen, "object gets", "objects get"))
            }
            (stop, frozen) => format!(
                "{when}, {}; {} nothing new",
                told(stop, "object stops", "objects stop"),
                told(frozen, "object gets", "objects get")
            ),
        };
        self.sentence(&text)?;
        // A long chain is told as one row: its ends, not every link.
        let distances =
            impact.dependents.chunk_by(|a, b| (a.effect, a.distance) == (b.effect, b.distance)).count();
        let fold = distances > MOST_ROWS && !self.verbose;
        let together =
            |a: &Dependent, b: &Dependent| a.effect == b.effect && (fold || a.distance == b.distance);
        let mut rows: Vec<Row> = Vec::new();
        for group in impact.dependents.chunk_by(together) {
            for relation in [Relation::DependsOn, Relation::Health, Relation::Source, Relation::AppliedBy] {
                let group = || group.iter().filter(|it| it.relation == relation);
                let names = self.names(group().map(|it| &it.key));
                if let (Some(first), Some(last)) = (group().next(), group().next_back()) {
                    let away = match last.distance == first.distance {
                        true => first.distance.to_string(),
                        false => format!("{}-{}", first.distance, last.distance),
                    };
                    let by = match relation {
                        Relation::DependsOn => "dependsOn",
                        Relation::Health => "health check",
                        Relation::Source => "source",
                        Relation::AppliedBy => "applied by",
                    };
                    let cells = vec![first.effect.as_str().to_owned(), away, by.to_owned()];
                    rows.push(Row { cells, names });
                }
            }
        }
        self.table(&["EFFECT", "AWAY", "BY", "OBJECTS"], rows)?;
        self.suspended()
    }

    /// What is told of comes about with a failure, or has come about already.
    fn when(&self) -> &'static str {
        let state = match self.impact.target {
            Target::Object(object) => object.state,
            Target::Source(source) => source.state,
            Target::Missing(_) => State::Missing,
            Target::All { .. } | Target::NotFetched(_) => State::Unknown,
        };
        match state {
            State::Failed => "while it fails",
            State::Blocked => "while it is blocked",
            State::Missing => "while it is missing",
            State::Ready | State::Progressing | State::Suspended | State::Unknown => "if it fails",
        }
    }

    /// A suspended dependency stays as ready as it is.
    fn suspended(&mut self) -> io::Result<()> {
        let impact = self.impact;
        let Target::Object(object) = impact.target else { return Ok(()) };
        let depends = |relation| impact.dependents.iter().any(|it| it.distance == 1 && it.relation == relation);
        if object.state != State::Ready || !depends(Relation::DependsOn) {
            return Ok(());
        }
        let text = match impact.behind_if_suspended.len() {
            0 => "suspended, it stays Ready and stops none of them".to_owned(),
            behind => format!(
                "suspended, it stays Ready: of these {} at the next revision of the source they share",
                told(behind, "stops", "stop")
            ),
        };
        self.sentence(&text)
    }

    fn deletes(&mut self, deletes: &Deletes) -> io::Result<()> {
        if deletes.objects.is_empty() {
            self.sentence("deleting it takes nothing else with it")?;
        } else {
            let text = format!("deleting it takes {} with it", count(deletes.objects.len(), "object"));
            self.sentence(&text)?;
        }
        let first = [
            GroupKind::KUSTOMIZATION,
            GroupKind::HELM_RELEASE,
            GroupKind::NAMESPACE,
            GroupKind::CUSTOM_RESOURCE_DEFINITION,
        ];
        let mut kinds: Vec<(&GroupKind, usize)> = deletes.kinds().into_iter().collect();
        let rank = |kind: &GroupKind| first.iter().position(|it| it == kind).unwrap_or(first.len());
        kinds.sort_by_key(|(kind, count)| (rank(kind), std::cmp::Reverse(*count)));
        let rows = kinds.into_iter().map(|(kind, count)| Row {
            cells: vec![kind.kind.to_string(), count.to_string()],
            names: deletes.of_kind(kind).map(ObjectKey::namespaced_name).collect(),
        });
        let rows = rows.collect();
        self.table(&["GOES", "COUNT", "OBJECTS"], rows)?;
        let mut stays: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (key, (why, _)) in &deletes.keeps {
            let name = format!("{} {}", key.kind.kind, key.namespaced_name());
            match stays.iter_mut().find(|(known, _)| *known == why.as_str()) {
                Some((_, names)) => names.push(name),
                None => stays.push((why.as_str(), vec![name])),
            }
        }
        let rows: Vec<Row> = stays
            .into_iter()
            .map(|(why, names)| Row { cells: vec![why.to_owned(), names.len().to_string()], names })
            .collect();
        if !rows.is_empty() {
            self.page.blank()?;
            self.table(&["STAYS", "COUNT", "OBJECTS"], rows)?;
        }
        let has = |kind: GroupKind| deletes.of_kind(&kind).next().is_some();
        let hidden = [
            (GroupKind::NAMESPACE, "with a Namespace goes all that is in it, in sight or not"),
            (
                GroupKind::CUSTOM_RESOURCE_DEFINITION,
                "with a CustomResourceDefinition goes every object of its kind, in sight or not",
            ),
        ];
        let hidden = hidden.into_iter().filter(|(kind, _)| has(kind.clone())).map(|(_, text)| text);
        let notes: Vec<&str> = hidden.chain(deletes.notes.iter().map(|note| note.text.as_str())).collect();
        for (index, note) in notes.into_iter().enumerate() {
            if index == 0 {
                self.page.blank()?;
            }
            let symbol = self.page.span(self.page.symbols.warning, self.page.palette.warning);
            let spans = [self.page.plain(note)];
            self.page.flow(&symbol, &spans, " ")?;
        }
        Ok(())
    }

    fn footer(&mut self) -> io::Result<()> {
        for warning in self.impact.input_warnings() {
            let symbol = self.page.span(self.page.symbols.warning, self.page.palette.warning);
            let spans =
                [self.page.span(warning.code, self.page.palette.warning), self.page.plain(&warning.text)];
            self.page.blank()?;
            self.page.flow(&symbol, &spans, "  ")?;
        }
        if !self.impact.diagnosis.complete {
            self.page.blank()?;
            let text = super::incomplete(self.impact.input_warnings().next().is_some());
            let line = self.page.span(text, self.page.palette.warning);
            self.page.paragraph(0, &line)?;
        }
        Ok(())
    }

    fn sentence(&mut self, text: &str) -> io::Result<()> {
        self.page.blank()?;
        let line = self.page.span(text, self.page.palette.strong);
        self.page.paragraph(0, &line)
    }

    fn names<'k>(&self, keys: impl Iterator<Item = &'k ObjectKey>) -> Vec<String> {
        let name = |key: &ObjectKey| match key.kind.is_applier() {
            true => spell(self.impact.diagnosis, key),
            false => spell_in_full(key),
        };
        keys.map(|key| self.page.words(&name(key))).collect()
    }

    /// Columns as wide as they need be, the last one with names in a few lines.
    fn table(&mut self, head: &[&str], rows: Vec<Row>) -> io::Result<()> {
        let cells = rows.first().map_or(0, |row| row.cells.len());
        let width = |at: usize| {
            let named = head.get(at).map_or(0, |head| columns(head));
            rows.iter()
                .filter_map(|row| row.cells.get(at))
                .map(|cell| columns(cell))
                .max()
                .unwrap_or(0)
                .max(named)
        };
        let widths: Vec<usize> = (0..cells).map(width).collect();
        let indent = widths.iter().map(|width| width + 2).sum::<usize>() + if cells == 0 { 2 } else { 0 };
        let lead = |cells: &[&str]| {
            let padded = cells
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{:pad$}", "", pad = width + 2 - columns(cell).min(*width)));
            padded.collect::<String>()
        };
        if let (Some((last, before)), false) = (head.split_last(), rows.is_empty()) {
            let line = format!("{}{last}", lead(before));
            self.page.line(&self.page.palette.dim.style(line).to_string())?;
        }
        for row in &rows {
            let room = self.page.width.map(|width| width.saturating_sub(indent).max(1));
            let most = if self.verbose { usize::MAX } else { MOST_LINES };
            let names: Vec<String> = row.names.iter().map(|name| self.page.words(name)).collect();
            let cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
            for (index, line) in list(&names, room, most, self.page.symbols.ellipsis).iter().enumerate() {
                let start = match index {
                    0 if !cells.is_empty() => lead(&cells),
                    _ => " ".repeat(indent),
                };
                self.page.line(&format!("{start}{line}"))?;
            }
        }
        Ok(())
    }
}

/// `1 object waits`, `12 objects wait`.
fn told(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
