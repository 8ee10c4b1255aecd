//! `reconcile --dry-run`: layer by layer what would be asked, and what would not.

use std::io::{self, Write};

use super::{Names, layer, refused};
use crate::reconcile::{End, StepState, StepView};
use crate::render::View;
use crate::render::human::page::Page;
use crate::render::text::{columns, list};

/// Lines that the names of one row take at most, unless all are asked for.
const MOST_LINES: usize = 3;

/// One row: layer, what would be done, to which objects.
struct Row {
    layer: String,
    does: String,
    names: Vec<String>,
}

/// Writes the plan; `verbose` names every object.
pub fn write_plan(
    out: &mut dyn Write,
    steps: &[StepView<'_>],
    label: &str,
    names: &Names<'_>,
    view: View,
    verbose: bool,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    let rows = rows(steps, names);
    verdict(&mut page, steps, label)?;
    if rows.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let first = rows.iter().map(|row| columns(&row.layer)).max().unwrap_or_default().max(5);
    let second = rows.iter().map(|row| columns(&row.does)).max().unwrap_or_default().max(4);
    let second = page.width.map_or(second, |width| second.min(width / 2));
    let dim = page.palette.dim;
    page.line(&dim.style(format!("{:first$}  {:second$}  OBJECTS", "LAYER", "DOES")).to_string())?;
    let most = if verbose { usize::MAX } else { MOST_LINES };
    for Row { layer, does, names } in rows {
        let does = page.words(&does);
        let names: Vec<String> = names.iter().map(|name| page.words(name)).collect();
        let mut does = crate::render::text::wrap(&does, Some(second)).into_iter();
        let indent = first + second + 4;
        let room = page.width.map(|width| width.saturating_sub(indent).max(8));
        let mut lines = list(&names, room, most, page.symbols.ellipsis).into_iter();
        let mut layer = layer;
        loop {
            let (left, right) = (does.next(), lines.next());
            if left.is_none() && right.is_none() {
                break;
            }
            let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
            let pad = second.saturating_sub(columns(&left));
            let line = format!("{layer:first$}  {left}{:pad$}  {right}", "");
            page.line(line.trim_end())?;
            layer = String::new();
        }
    }
    Ok(())
}

fn verdict(page: &mut Page<'_>, steps: &[StepView<'_>], label: &str) -> io::Result<()> {
    let (mut sources, mut ask, mut alone, mut not) = (0, 0, 0, 0);
    for step in steps {
        let is_source = step.object.kind.is_source();
        match &step.state {
            StepState::Ended(End::LeftAlone { .. } | End::Done { .. }) if !is_source => {
                alone += usize::from(step.wanted);
            }
            StepState::Ended(_) => not += usize::from(step.wanted && !is_source),
            _ if is_source => sources += 1,
            _ => ask += usize::from(step.wanted),
        }
    }
    let mut parts = vec![format!("{ask} to ask")];
    if sources > 0 {
        parts.insert(0, crate::render::text::count(sources, "source"));
    }
    if alone > 0 {
        parts.push(format!("{alone} to leave alone"));
    }
    if not > 0 {
        parts.push(format!("{not} not to be asked"));
    }
    let symbol = page.span(page.symbols.command, page.palette.command);
    let (text, label) = (format!("plan: {}; nothing is done", parts.join(", ")), label);
    let (text, label) = (page.plain(text), page.span(label, page.palette.dim));
    page.flow_with_tail(&symbol, &[text], " ", Some(&label))
}

/// Steps of one layer of which the same is said, together.
fn rows(steps: &[StepView<'_>], names: &Names<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for step in steps {
        let layer = layer(step);
        let does = does(&step.state, names);
        let name = names(step.object);
        match rows.iter_mut().find(|row| row.layer == layer && row.does == does) {
            Some(row) => row.names.push(name),
            None => rows.push(Row { layer, does, names: vec![name] }),
        }
    }
    let mut before = String::new();
    for row in &mut rows {
        if row.layer == before {
            row.layer = String::new();
        } else {
            before.clone_from(&row.layer);
        }
    }
    rows
}

fn does(state: &StepState, names: &Names<'_>) -> String {
    match state {
        StepState::Ended(End::LeftAlone { .. } | End::Done { .. }) => "left alone".to_owned(),
        StepState::Ended(End::Refused(grounds)) => refused(grounds, names),
        StepState::Ended(End::Skipped { behind }) => format!("skipped: behind {}", super::named(behind, names)),
        StepState::Ended(_) => "not asked".to_owned(),
        StepState::Asking | StepState::Running { .. } => "asked".to_owned(),
        StepState::Waiting { .. } | StepState::Queued => "asked".to_owned(),
    }
}
