//! `status` for people: the verdict, the root causes, then the layers in which what says the same is one row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use comfy_table::{Cell, Table, presets};
use jiff::Timestamp;
use owo_colors::Style;

use super::cause;
use super::page::{Page, Span, command_line};
use crate::diagnosis::selection::{Outcome, StatusView, spell, spell_in_full};
use crate::diagnosis::{Cause, ObjectReport, State, Verdict};
use crate::model::{GroupKind, ObjectKey};
use crate::render::text::{clean, columns, count, list, list_in_words, moment};
use crate::render::view::View;

/// From how many causes on only the first ones are told in full.
const MANY_CAUSES: usize = 8;
/// How many causes are told in full then; as many warnings are shown on a terminal.
const IN_FULL: usize = 5;
/// From this width on a state may carry a remark, such as `Failed (stalled)`.
const WIDTH_FOR_REMARKS: usize = 60;
/// Below this width the column of names gives way to no revision…
const NAMES_BESIDE_REVISIONS: usize = 20;
/// …and below this one to no time.
const NAMES_BESIDE_TIMES: usize = 12;

/// How `status` is to be told.
#[derive(Clone, Debug)]
pub struct StatusStyle {
    /// Width, glyphs and colours.
    pub view: View,
    /// One row an object, with its namespace, source, causes and message; never cut.
    pub wide: bool,
    /// Leave the table's header away.
    pub no_headers: bool,
    /// Tell every cause in full, with its evidence and remedies.
    pub verbose: bool,
    /// Warnings count as bad.
    pub strict: bool,
    /// Arguments that lead another command to the same facts, such as `--demo`; `None` where no command can see them
    /// again.
    pub again: Option<Vec<String>>,
}

impl Default for StatusStyle {
    /// A plain table of facts that can be seen again.
    fn default() -> Self {
        Self {
            view: View::default(),
            wide: false,
            no_headers: false,
            verbose: false,
            strict: false,
            again: Some(Vec::new()),
        }
    }
}

/// Writes the report.
pub fn write(out: &mut dyn Write, status: &StatusView<'_>, style: &StatusStyle) -> io::Result<()> {
    let namespace = shared_namespace(status);
    let page = Page::new(out, style.view);
    Report { page, status, style, namespace }.write()
}

/// Writes the verdict alone, the report's first line.
pub fn write_verdict(out: &mut dyn Write, status: &StatusView<'_>, style: &StatusStyle) -> io::Result<()> {
    let page = Page::new(out, style.view);
    Report { page, status, style, namespace: shared_namespace(status) }.verdict()
}

/// Writes `kind/namespace/name` of every shown object, one a line, as OBJECT arguments take it.
pub fn write_names(out: &mut dyn Write, status: &StatusView<'_>) -> io::Result<()> {
    let objects = status.objects().map(|object| &object.key);
    for key in objects.chain(status.missing.iter().map(|(key, _)| *key)) {
        writeln!(out, "{}/{}", key.kind.kind.to_lowercase(), clean(&key.namespaced_name()))?;
    }
    Ok(())
}

struct Report<'a, 'p> {
    page: Page<'p>,
    status: &'a StatusView<'a>,
    style: &'a StatusStyle,
    /// Namespace of everything that is shown, which need not be repeated.
    namespace: Option<&'a str>,
}

impl Report<'_, '_> {
    fn write(mut self) -> io::Result<()> {
        self.verdict()?;
        self.revisions()?;
        self.causes()?;
        self.missing_and_cycles()?;
        self.table()?;
        self.warnings()?;
        self.footer()
    }

    fn now(&self) -> Timestamp {
        self.status.diagnosis.now
    }

    fn verdict(&mut self) -> io::Result<()> {
        let (status, palette) = (self.status, self.page.palette);
        let noun = noun(status);
        let total = status.summary.total();
        let of = |state| status.summary.of(state);
        let mut parts = Vec::new();
        if !status.causes.is_empty() {
            parts.push((count(status.causes.len(), "root cause"), palette.bad));
        }
        let open = !status.is_declared() || of(State::Unknown) < total;
        for (state, word) in [
            (State::Failed, "failed"),
            (State::Blocked, "blocked"),
            (State::Missing, "missing"),
            (State::Unknown, "unknown"),
            (State::Progressing, "progressing"),
            (State::Suspended, "suspended"),
        ] {
            let told = match state {
                State::Failed => failed_are_the_causes(status), // "1 root cause, 8 blocked, 3 ready of 12" adds up
                State::Unknown => status.is_declared(),
                _ => false,
            };
            if of(state) > 0 && !told {
                parts.push((format!("{} {word}", of(state)), palette.state(state)));
            }
        }
        let untroubled = parts.is_empty();
        let ready = of(State::Ready);
        let whole = match total {
            0 if status.is_blind() => format!("no {noun}s could be read"),
            0 => format!("no {noun}s"),
            1 if !open => format!("1 {noun} declared"),
            _ if !open => format!("{} declared", count(total, noun)),
            1 if ready == 1 => format!("1 {noun} ready"),
            _ if ready == total && untroubled => format!("all {total} {noun}s ready"),
            _ => format!("{ready} ready of {}", count(total, noun)),
        };
        parts.push((whole, Style::new()));
        let frozen = frozen(status);
        if frozen > 0 {
            parts.push((format!("{frozen} frozen"), palette.warning));
        }
        if !status.warnings.is_empty() {
            parts.push((count(status.warnings.len(), "warning"), palette.warning));
        }
        let last = parts.len() - 1;
        let spans: Vec<Span> = parts
            .into_iter()
            .enumerate()
            .map(|(index, (text, style))| {
                let comma = if index < last { "," } else { "" };
                self.page.span(format!("{text}{comma}"), style)
            })
            .collect();
        let busy = of(State::Progressing) > 0 || (status.is_declared() && total > 0);
        let symbol = match status.outcome(self.style.strict) {
            Outcome::Bad => self.page.span(self.page.symbols.bad, palette.bad),
            Outcome::Good if busy => self.page.span(self.page.symbols.busy, palette.busy),
            Outcome::Good => self.page.span(self.page.symbols.good, palette.good),
        };
        let label = self.page.span(&status.diagnosis.label, palette.dim);
        self.page.flow_with_tail(&symbol, &spans, " ", Some(&label))
    }

    /// Whether what does not come up still runs, and what: down, or only not deploying?
    fn revisions(&mut self) -> io::Result<()> {
        let status = self.status;
        if status.is_declared() {
            let text = "only the repository was read: whether anything runs is not known";
            let line = self.page.span(text, self.page.palette.dim);
            return self.page.paragraph(2, &line);
        }
        // what failed may have applied half of the new revision; what is blocked was not touched
        let waiting = || status.objects().filter(|object| object.state == State::Blocked);
        let mut running: BTreeMap<String, usize> = BTreeMap::new();
        for revision in waiting().filter_map(|object| object.revision.as_ref()) {
            *running.entry(revision.short()).or_default() += 1;
        }
        let never = status.summary.never_applied;
        if running.is_empty() && never == 0 {
            return Ok(());
        }
        let mut newest: Vec<String> = waiting()
            .filter_map(|object| object.source_revision.as_ref())
            .map(|revision| revision.short())
            .collect();
        newest.sort();
        newest.dedup();
        // chart versions of different charts say nothing side by side
        let one_kind = status.kinds.len() == 1 && status.kinds.contains(&GroupKind::KUSTOMIZATION);
        let newest = newest.first().filter(|_| one_kind && newest.len() == 1);
        let mut by_count: Vec<(&String, &usize)> = running.iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let still = match by_count[..] {
            [] => String::new(),
            [(revision, number)] if one_kind && Some(revision) == newest => {
                format!("{number} {} the newest {revision}, ", if *number == 1 { "runs" } else { "run" })
            }
            [(revision, number)] if one_kind => {
                format!("{number} still {} {revision}, ", if *number == 1 { "runs" } else { "run" })
            }
            [(first, one), (second, other)] if one_kind => {
                format!("{one} still {} {first}, {other} {second}, ", if *one == 1 { "runs" } else { "run" })
            }
            _ => {
                let number: usize = running.values().sum();
                format!("{number} still {} what was applied last, ", if number == 1 { "runs" } else { "run" })
            }
        };
        let mut text = format!("{still}{never} never applied");
        if let Some(newest) = newest.filter(|newest| by_count.len() != 1 || !running.contains_key(*newest)) {
            text.push_str(&format!("; newest {newest}"));
            let fetched = waiting()
                .filter_map(|object| status.diagnosis.sources.get(object.source.as_ref()?)?.fetched.as_ref())
                .filter(|(revision, _)| revision.short() == **newest)
                .filter_map(|(_, time)| *time)
                .max();
            if let Some(time) = fetched {
                text.push_str(&format!(" ({})", moment(time, self.now())));
            }
        }
        let line = self.page.span(text, self.page.palette.dim);
        self.page.paragraph(2, &line)
    }

    /// How many causes are told in full.
    fn in_full(&self) -> usize {
        let causes = self.status.causes.len();
        if self.style.verbose || causes <= MANY_CAUSES { causes } else { IN_FULL }
    }

    fn causes(&mut self) -> io::Result<()> {
        let status = self.status;
        let (full, short) = status.causes.split_at(self.in_full());
        for cause in full {
            self.page.blank()?;
            self.cause(cause)?;
        }
        if !short.is_empty() {
            self.page.blank()?;
            for cause in short {
                self.cause_head(cause)?;
            }
            let line = self.page.span("-v tells these in full, too", self.page.palette.dim);
            self.page.paragraph(2, &line)?;
        }
        Ok(())
    }

    fn cause_head(&mut self, cause: &Cause) -> io::Result<()> {
        let title = self.title(&cause.fault.object);
        cause::head(&mut self.page, &title, cause, self.status.diagnosis.now)
    }

    fn cause(&mut self, cause: &Cause) -> io::Result<()> {
        self.cause_head(cause)?;
        let summary = self.page.plain(&cause.fault.summary);
        self.page.paragraph(2, &summary)?;
        if !cause.cycle.is_empty() {
            let loop_ = self.page.plain(self.loop_of(&cause.cycle));
            self.page.paragraph(2, &loop_)?;
        } else if cause.affected.iter().any(|affected| *affected != cause.fault.object) {
            let names: Vec<String> =
                cause.affected.iter().map(|key| self.page.words(&self.name(key))).collect();
            let room = self.page.width.map(|width| width - "  hits ".len());
            for (index, line) in list(&names, room, 1, self.page.symbols.ellipsis).into_iter().enumerate() {
                let line = self
                    .page
                    .span(format!("{}{line}", if index == 0 { "hits " } else { "" }), self.page.palette.dim);
                self.page.paragraph(2, &line)?;
            }
        }
        if let Some(clock) = cause::clock(cause, self.status.diagnosis) {
            let clock = self.page.span(clock, self.page.palette.dim);
            self.page.paragraph(2, &clock)?;
        }
        if self.style.verbose {
            cause::evidence(&mut self.page, cause, self.status.diagnosis.now, true, &|_| None)?;
            cause::remedies(&mut self.page, cause, 2)?;
        }
        let objects = &self.status.diagnosis.objects;
        let target =
            [&cause.fault.object].into_iter().chain(&cause.affected).find(|key| objects.contains_key(key));
        if let (Some(target), Some(again)) = (target, &self.style.again) {
            let object = spell(self.status.diagnosis, target);
            let mut words = vec![object.as_str()];
            words.extend(again.iter().map(String::as_str));
            self.page.command(&command_line("kubectl fluxlayers why", &words))?;
        }
        Ok(())
    }

    /// What no cause above has told yet.
    fn missing_and_cycles(&mut self) -> io::Result<()> {
        let status = self.status;
        let full = &status.causes[..self.in_full()];
        let missing: Vec<_> = status
            .missing
            .iter()
            .filter(|(key, _)| !status.causes.iter().any(|cause| cause.fault.object == **key))
            .collect();
        let cycles: Vec<_> =
            status.cycles.iter().filter(|cycle| !full.iter().any(|cause| cause.cycle == **cycle)).collect();
        if !missing.is_empty() || !cycles.is_empty() {
            self.page.blank()?;
        }
        for (key, wanted_by) in missing {
            let page = &self.page;
            let names: Vec<String> = wanted_by.iter().map(|key| page.words(&self.name(key))).collect();
            let room = page.width.map(|width| width - 4);
            let names = list_in_words(&names, room, 2, page.symbols.ellipsis);
            let symbol = page.span(page.symbols.bad, page.palette.bad);
            let spans = [
                page.span(self.title(key), page.palette.strong),
                page.span("missing", page.palette.bad),
                page.plain(format!("wanted by {names}")),
            ];
            self.page.flow(&symbol, &spans, "  ")?;
        }
        for cycle in cycles {
            let page = &self.page;
            let symbol = page.span(page.symbols.bad, page.palette.bad);
            let spans = [page.span("cycle", page.palette.bad), page.plain(self.loop_of(cycle))];
            self.page.flow(&symbol, &spans, "  ")?;
        }
        Ok(())
    }

    fn table(&mut self) -> io::Result<()> {
        let rows = self.rows();
        if rows.is_empty() {
            return Ok(());
        }
        self.page.blank()?;
        let mut shown = self.columns_of(&rows);
        let names = natural_width(&rows, Column::Names);
        if let (Some(width), false) = (self.page.width, self.style.wide) {
            let room = |shown: &[Column]| {
                let others = shown.iter().filter(|column| **column != Column::Names);
                let others: usize = others.map(|column| self.natural(&rows, *column) + 2).sum();
                width.saturating_sub(others)
            };
            let header = columns(self.header(Column::Names));
            for (column, least) in [(Column::Runs, NAMES_BESIDE_REVISIONS), (Column::Since, NAMES_BESIDE_TIMES)]
            {
                if room(&shown) < names.min(least).max(header) {
                    shown.retain(|shown| *shown != column);
                }
            }
            let room = room(&shown);
            return self.print_table(&rows, &shown, Some(room));
        }
        self.print_table(&rows, &shown, None)
    }

    fn columns_of(&self, rows: &[Row]) -> Vec<Column> {
        let mut shown = vec![Column::Layer, Column::Names];
        if self.status.is_declared() && rows.iter().all(|row| row.state == State::Unknown) {
            if self.style.wide {
                shown.push(Column::Declared);
            }
            return shown;
        }
        shown.extend([Column::State, Column::Since, Column::Runs]);
        if self.style.wide {
            shown.extend([Column::Source, Column::BlockedBy, Column::Message]);
        }
        shown
    }

    fn natural(&self, rows: &[Row], column: Column) -> usize {
        natural_width(rows, column).max(columns(self.header(column)))
    }

    fn header(&self, column: Column) -> &'static str {
        match column {
            Column::Layer => "LAYER",
            Column::Names => match noun(self.status) {
                "Kustomization" => "KUSTOMIZATION",
                "HelmRelease" => "HELMRELEASE",
                "ResourceSet" => "RESOURCESET",
                _ => "OBJECT",
            },
            Column::State => "STATE",
            Column::Since => "SINCE",
            Column::Runs => "RUNS",
            Column::Source => "SOURCE",
            Column::BlockedBy => "BLOCKED BY",
            Column::Message => "MESSAGE",
            Column::Declared => "DECLARED",
        }
    }

    fn print_table(&mut self, rows: &[Row], shown: &[Column], room: Option<usize>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if !self.style.no_headers {
            table.set_header(shown.iter().map(|column| Cell::new(self.header(*column))).collect::<Vec<_>>());
        }
        for row in rows {
            let cells = shown.iter().map(|column| match column {
                Column::Names => {
                    let lines = list(&row.names, room, row.most_lines(), self.page.symbols.ellipsis);
                    Cell::new(lines.join("\n"))
                }
                column => Cell::new(row.text(*column)),
            });
            table.add_row(cells.collect::<Vec<_>>());
        }
        let last = shown.len() - 1;
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index < last { 2 } else { 0 }));
        }
        let state_at = shown.iter().position(|column| *column == Column::State).map(|index| {
            table.column_max_content_widths()[..index]
                .iter()
                .map(|width| usize::from(*width) + 2)
                .sum::<usize>()
        });
        let mut headed = self.style.no_headers;
        for line in table.lines() {
            let line = line.trim_end();
            let line = match state_at {
                _ if !headed => format!("{}", self.page.palette.dim.style(line)),
                Some(column) => self.with_coloured_state(line, column),
                None => line.to_owned(),
            };
            headed = true;
            self.page.line(&line)?;
        }
        Ok(())
    }

    /// Colours the state that stands at this column; the table is laid out before, in plain text.
    fn with_coloured_state(&self, line: &str, column: usize) -> String {
        let mut used = 0;
        let start = line.char_indices().find(|(_, char)| {
            let here = used;
            used += unicode_width::UnicodeWidthChar::width(*char).unwrap_or(0);
            here >= column
        });
        let Some((start, _)) = start else { return line.to_owned() };
        let (before, rest) = line.split_at(start);
        match State::ALL.iter().find(|state| rest.starts_with(state.as_str())) {
            Some(state) => {
                let (word, after) = rest.split_at(state.as_str().len());
                format!("{before}{}{after}", self.page.palette.state(*state).style(word))
            }
            None => line.to_owned(),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let layers = self.status.layers.iter().map(|(layer, objects)| (layer.to_string(), objects));
        let unlayered = ("-".to_owned(), &self.status.unlayered);
        let mut rows = Vec::new();
        for (layer, objects) in layers.chain([unlayered]) {
            if self.style.wide {
                rows.extend(objects.iter().map(|object| self.row(&layer, object)));
                continue;
            }
            let mut folded: Vec<Row> = Vec::new();
            for object in objects {
                let row = self.row(&layer, object);
                match folded.iter_mut().find(|other| other.says_the_same(&row)) {
                    Some(other) => other.fold(row),
                    None => folded.push(row),
                }
            }
            folded.sort_by_key(|row| (!row.bad, row.state)); // stable: the first names decide then
            rows.extend(folded);
        }
        for row in &mut rows {
            row.since_text = row.since.map_or("-".to_owned(), |since| moment(since, self.now()));
        }
        rows
    }

    fn row(&self, layer: &str, object: &ObjectReport) -> Row {
        let names = |keys: &[ObjectKey]| {
            let names: Vec<String> = keys.iter().map(spell_in_full).collect();
            names.join(", ")
        };
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { self.page.words(&text) };
        let narrow = self.page.width.is_some_and(|width| width < WIDTH_FOR_REMARKS);
        let remark = match object {
            _ if narrow && !self.style.wide => None,
            ObjectReport { state: State::Suspended, .. } => self.verdict_on(&object.key),
            ObjectReport { stalled: true, .. } => Some("stalled"),
            ObjectReport { retrying: true, .. } => Some("retrying"),
            _ => None,
        };
        let remark = remark.map(|remark| format!(" ({remark})")).unwrap_or_default();
        let name = if self.style.wide && noun(self.status) != "object" {
            object.key.namespaced_name()
        } else {
            self.name(&object.key)
        };
        let message = object.ready.as_ref().filter(|_| object.state != State::Ready);
        Row {
            layer: layer.to_owned(),
            names: vec![self.page.words(&name)],
            state: object.state,
            bad: self.status.is_bad(object),
            state_text: format!("{}{remark}", object.state.as_str()),
            since: object.since,
            since_text: String::new(),
            runs: or_dash(object.revision.as_ref().map(|revision| revision.short()).unwrap_or_default()),
            source: or_dash(object.source.as_ref().map(spell_in_full).unwrap_or_default()),
            blocked_by: or_dash(names(&object.blocked_by)),
            message: or_dash(message.map(|ready| ready.message.clone()).unwrap_or_default()),
            declared: or_dash(
                object.declared_at.as_ref().map(|at| format!("{}:{}", at.path, at.line)).unwrap_or_default(),
            ),
        }
    }

    fn warnings(&mut self) -> io::Result<()> {
        let warnings = &self.status.warnings;
        if warnings.is_empty() {
            return Ok(());
        }
        self.page.blank()?;
        let cut = self.page.width.is_some()
            && !self.style.wide
            && !self.style.verbose
            && warnings.len() > MANY_CAUSES;
        let shown = if cut { IN_FULL } else { warnings.len() };
        for warning in &warnings[..shown] {
            let page = &self.page;
            let symbol = page.span(page.symbols.warning, page.palette.warning);
            let mut spans = vec![page.span(format!("{} ", warning.code), page.palette.warning)];
            spans[0].text = format!("{} ", spans[0].text); // two spaces before the sentence
            spans.extend(page.words(&warning.text).split(' ').map(|word| page.plain(word)));
            self.page.flow(&symbol, &spans, " ")?;
        }
        if cut {
            let text = format!("{} and {} more, with -v", self.page.symbols.ellipsis, warnings.len() - shown);
            let line = self.page.span(text, self.page.palette.dim);
            self.page.paragraph(2, &line)?;
        }
        Ok(())
    }

    fn footer(&mut self) -> io::Result<()> {
        let mut notes = Vec::new();
        if !self.status.diagnosis.complete {
            notes.push(super::incomplete(!self.status.warnings.is_empty()));
        }
        if (self.style.wide || self.style.verbose) && !self.status.is_declared() {
            notes.push("times are UTC");
        }
        if !notes.is_empty() {
            self.page.blank()?;
        }
        for note in notes {
            let note = self.page.span(note, self.page.palette.dim);
            self.page.paragraph(0, &note)?;
        }
        Ok(())
    }

    /// What the dependents of an object get from it; the first verdict that is not good, where there is one.
    fn verdict_on(&self, key: &ObjectKey) -> Option<&'static str> {
        let objects = self.status.diagnosis.objects.values();
        let verdicts =
            objects.flat_map(|object| &object.depends_on).filter(|(dependency, _)| dependency == key);
        let verdicts: Vec<&Verdict> = verdicts.map(|(_, verdict)| verdict).collect();
        verdicts
            .iter()
            .find(|verdict| ***verdict != Verdict::Ready)
            .or(verdicts.first())
            .map(|verdict| verdict.as_str())
    }

    /// A loop as it is walked: `a → b → a`.
    fn loop_of(&self, members: &[ObjectKey]) -> String {
        let names = members.iter().chain(members.first()).map(|key| self.name(key)).collect();
        cause::arrows(&self.page, names)
    }

    /// What a paragraph is about: `apps`, `HelmRelease media/plex`, `Secret cert-manager/token`.
    fn title(&self, key: &ObjectKey) -> String {
        if key.kind == GroupKind::KUSTOMIZATION && noun(self.status) == "Kustomization" {
            self.name(key)
        } else {
            format!("{} {}", key.kind.kind, key.namespaced_name())
        }
    }

    /// A name in a list: without the namespace where all share it, with the kind where it could be doubted.
    fn name(&self, key: &ObjectKey) -> String {
        let only_kind = self.status.kinds.len() == 1 && self.status.kinds.contains(&key.kind);
        match self.namespace {
            _ if !only_kind => spell_in_full(key),
            Some(namespace) if namespace == key.namespace => key.name.clone(),
            _ => key.namespaced_name(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Layer,
    Names,
    State,
    Since,
    Runs,
    Source,
    BlockedBy,
    Message,
    Declared,
}

/// One row of the table: an object, or several of one layer that say the same.
struct Row {
    layer: String,
    names: Vec<String>,
    state: State,
    bad: bool,
    state_text: String,
    since: Option<Timestamp>,
    since_text: String,
    runs: String,
    source: String,
    blocked_by: String,
    message: String,
    declared: String,
}

impl Row {
    /// Ready objects need not have become so at the same minute: what counts is that they are.
    fn says_the_same(&self, other: &Row) -> bool {
        let minute = |row: &Row| row.since.map(|since| since.as_second().div_euclid(60));
        self.state_text == other.state_text
            && self.runs == other.runs
            && (self.state == State::Ready || minute(self) == minute(other))
    }

    /// Takes another row in; all of them are in this state since the last one got there.
    fn fold(&mut self, other: Row) {
        self.names.extend(other.names);
        self.since = self.since.max(other.since);
    }

    /// How many lines the names may take: what is wrong by itself is never left out.
    fn most_lines(&self) -> usize {
        match self.state {
            State::Failed | State::Missing => usize::MAX,
            State::Unknown if self.bad => usize::MAX,
            State::Ready | State::Unknown => 2,
            State::Blocked | State::Progressing | State::Suspended => 3,
        }
    }

    fn text(&self, column: Column) -> &str {
        match column {
            Column::Layer => &self.layer,
            Column::Names => "",
            Column::State => &self.state_text,
            Column::Since => &self.since_text,
            Column::Runs => &self.runs,
            Column::Source => &self.source,
            Column::BlockedBy => &self.blocked_by,
            Column::Message => &self.message,
            Column::Declared => &self.declared,
        }
    }
}

fn natural_width(rows: &[Row], column: Column) -> usize {
    let widths = rows.iter().map(|row| match column {
        Column::Names => columns(&row.names.join(", ")),
        column => columns(row.text(column)),
    });
    widths.max().unwrap_or(0)
}

/// What the shown objects are called: by their kind, or `object` where there are several kinds.
fn noun(status: &StatusView<'_>) -> &'static str {
    let mut kinds = status.kinds.iter();
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) if *kind == GroupKind::KUSTOMIZATION => "Kustomization",
        (Some(kind), None) if *kind == GroupKind::HELM_RELEASE => "HelmRelease",
        (Some(kind), None) if *kind == GroupKind::RESOURCE_SET => "ResourceSet",
        _ => "object",
    }
}

/// Whether each failed object is itself a listed root cause, and nothing else is.
fn failed_are_the_causes(status: &StatusView<'_>) -> bool {
    let failed = status.objects().filter(|object| object.state == State::Failed).map(|object| &object.key);
    let causes: BTreeSet<&ObjectKey> = status.causes.iter().map(|cause| &cause.fault.object).collect();
    causes.len() == status.causes.len() && failed.collect::<BTreeSet<_>>() == causes
}

/// Objects whose source is suspended: they are as they were, and nothing new will arrive.
fn frozen(status: &StatusView<'_>) -> usize {
    let sources: Vec<&ObjectKey> = status
        .warnings
        .iter()
        .filter(|warning| warning.code == "SourceFrozen")
        .filter_map(|warning| warning.object.as_ref())
        .collect();
    status
        .objects()
        .filter(|object| object.source.as_ref().is_some_and(|source| sources.contains(&source)))
        .count()
}

/// The namespace of all shown objects, where they share one.
fn shared_namespace<'a>(status: &'a StatusView<'_>) -> Option<&'a str> {
    let objects = status.objects().map(|object| object.key.namespace.as_str());
    let mut all = objects.chain(status.missing.iter().map(|(key, _)| key.namespace.as_str()));
    let first = all.next()?;
    all.all(|namespace| namespace == first).then_some(first)
}

#[cfg(test)]
mod tests;
