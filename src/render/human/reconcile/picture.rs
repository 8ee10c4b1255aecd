//! The list that is drawn in place while a plan is carried out: by layer, what is done folded, what runs a row each.

use std::io::{self, Write};
use std::time::Duration;

use super::{Names, layer, mark, named, quoted, refused, seconds};
use crate::reconcile::{End, Grounds, StepState, StepView};
use crate::render::View;
use crate::render::human::page::Page;
use crate::render::text::{columns, list};

/// Turns while something runs.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const PLAIN_SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

/// Pictures a second.
const TURNS: u128 = 4;

/// One row: the layer that it begins, its symbol, and its words.
struct Row {
    layer: String,
    symbol: String,
    text: String,
}

/// Writes where everything stands at that time since the start.
pub fn write_picture(
    out: &mut dyn Write,
    steps: &[StepView<'_>],
    at: Duration,
    label: &str,
    names: &Names<'_>,
    view: View,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    head(&mut page, steps, at, label)?;
    page.blank()?;
    let spinner = if view.unicode { SPINNER.as_slice() } else { PLAIN_SPINNER.as_slice() };
    let turn = usize::try_from(at.as_millis() * TURNS / 1000).unwrap_or_default() % spinner.len();
    let mut rows = Vec::new();
    let mut start = 0;
    while let Some(first) = steps.get(start) {
        let name = layer(first);
        let end = start + steps[start..].iter().take_while(|step| layer(step) == name).count();
        rows.extend(rows_of(&page, &name, &steps[start..end], at, names, spinner[turn]));
        start = end;
    }
    let width = rows.iter().map(|row| columns(&row.layer)).max().unwrap_or_default();
    for Row { layer, symbol, text } in rows {
        let pad = width - columns(&layer);
        let indent = width + 4;
        let room = page.width.map(|width| width.saturating_sub(indent).max(8));
        let text = page.words(&text);
        for (index, line) in crate::render::text::wrap(&text, room).iter().enumerate().take(3) {
            let dim = page.palette.dim;
            match index {
                0 => page.line(&format!("{}{:pad$}  {symbol} {line}", dim.style(&layer), ""))?,
                _ => page.line(&format!("{:indent$}{line}", ""))?,
            }
        }
    }
    Ok(())
}

fn head(page: &mut Page<'_>, steps: &[StepView<'_>], at: Duration, label: &str) -> io::Result<()> {
    let objects = || steps.iter().filter(|step| step.wanted && !step.object.kind.is_source());
    let over = objects().filter(|step| matches!(step.state, StepState::Ended(_))).count();
    let bad = objects().filter(|step| is_bad(&step.state)).count();
    let symbol = match bad {
        0 => page.span(page.symbols.busy, page.palette.busy),
        _ => page.span(page.symbols.bad, page.palette.bad),
    };
    let bad = if bad > 0 { format!(", {bad} not well") } else { String::new() };
    let text = format!("{over} of {} settled{bad}, {}", objects().count(), seconds(at));
    let (text, label) = (page.plain(text), page.span(label, page.palette.dim));
    page.flow_with_tail(&symbol, &[text], " ", Some(&label))
}

fn is_bad(state: &StepState) -> bool {
    let StepState::Ended(end) = state else { return false };
    match end {
        End::Failed(_) | End::Skipped { .. } | End::OutOfTime { .. } => true,
        End::Refused(grounds) => !matches!(grounds, Grounds::Suspended | Grounds::Static),
        _ => false,
    }
}

/// The rows of one layer: what is well folded into one, then what runs or failed one by one, then what waits, folded.
fn rows_of(
    page: &Page<'_>,
    name: &str,
    steps: &[StepView<'_>],
    at: Duration,
    names: &Names<'_>,
    turn: &str,
) -> Vec<Row> {
    let (symbols, palette) = (page.symbols, page.palette);
    let (mut good, mut waiting, mut rows): (Vec<String>, Vec<String>, Vec<(String, String)>) =
        Default::default();
    for step in steps {
        let object = names(step.object);
        let busy = |what: &str| {
            let since = at.saturating_sub(step.turn.unwrap_or(step.since));
            let usual =
                step.expected.map(|usual| format!(" (last time {})", seconds(usual))).unwrap_or_default();
            format!("{object}  {what} {}{usual}", seconds(since))
        };
        let symbol = palette.busy.style(turn).to_string();
        match &step.state {
            StepState::Ended(End::Done { .. } | End::LeftAlone { .. } | End::Refused(Grounds::Static)) => {
                good.push(object);
            }
            StepState::Ended(end) => {
                let (symbol, style) = mark(end, page);
                let words = match end {
                    End::Failed(failure) => format!("{}: {}", failure.reason, quoted(&failure.message)),
                    End::Skipped { behind } => format!("skipped, behind {}", named(behind, names)),
                    End::Refused(grounds) => refused(grounds, names),
                    End::OutOfTime { .. } => "out of time".to_owned(),
                    End::Gone => "deleted".to_owned(),
                    _ => "goes on inside the cluster".to_owned(),
                };
                rows.push((style.style(symbol).to_string(), format!("{object}  {words}")));
            }
            StepState::Asking => rows.push((symbol, busy("asked"))),
            StepState::Running { message } if message.is_empty() => rows.push((symbol, busy("runs for"))),
            StepState::Running { message } => {
                rows.push((symbol, format!("{}: {}", busy("runs for"), quoted(message))));
            }
            StepState::Queued => waiting.push(object),
            StepState::Waiting { .. } => waiting.push(object),
        }
    }
    let room = page.width.map(|width| width.saturating_sub(columns(name) + 12).max(8));
    let folded = |names: &[String]| list(names, room, 1, symbols.ellipsis).join(" ");
    let mut all: Vec<(String, String)> = Vec::new();
    if !good.is_empty() {
        all.push((palette.good.style(symbols.good).to_string(), folded(&good)));
    }
    all.extend(rows);
    if !waiting.is_empty() {
        all.push((palette.dim.style("·").to_string(), palette.dim.style(folded(&waiting)).to_string()));
    }
    let first = |index: usize| if index == 0 { name.to_owned() } else { String::new() };
    let rows = all.into_iter().enumerate();
    rows.map(|(index, (symbol, text))| Row { layer: first(index), symbol, text }).collect()
}
