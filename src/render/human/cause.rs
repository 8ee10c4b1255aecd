//! How a root cause is told, whichever command tells it.

use std::io;

use jiff::Timestamp;

use super::page::Page;
use crate::diagnosis::{Cause, Diagnosis};
use crate::render::text::{age, clean, moment};

/// Names of a chain or loop that are told before its middle is left out.
const LONGEST: usize = 12;

/// `✗ cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)`
pub(super) fn head(page: &mut Page<'_>, title: &str, cause: &Cause, now: Timestamp) -> io::Result<()> {
    let fault = &cause.fault;
    let code = match fault.subcode {
        Some(subcode) => format!("{}/{subcode}", fault.code.as_str()),
        None => fault.code.as_str().to_owned(),
    };
    let mut spans = vec![
        page.span(title, page.palette.strong),
        page.span(code, page.palette.bad),
        page.plain(format!("blocks {}", cause.blocks)),
    ];
    if let Some(since) = cause.since {
        spans.push(page.plain(format!("since {} ({})", moment(since, now), age(since, now))));
    }
    let symbol = page.span(page.symbols.bad, page.palette.bad);
    page.flow(&symbol, &spans, "  ")
}

/// What worked last, and when the next try is due.
pub(super) fn clock(cause: &Cause, diagnosis: &Diagnosis) -> Option<String> {
    let (clock, now) = (&cause.clock, diagnosis.now);
    let mut parts = Vec::new();
    if let Some((revision, time)) = &clock.last_good {
        let time = time.map(|time| format!(" {}", moment(time, now))).unwrap_or_default();
        parts.push(format!("last good {}{time}", revision.short()));
    }
    let affected = cause.affected.first().and_then(|key| diagnosis.objects.get(key));
    match (clock.next_try, clock.wakes) {
        (Some(next), _) if next <= now => parts.push("next try due".to_owned()),
        (Some(next), Some(wakes)) => {
            parts.push(format!("next try {}, sooner only after {wakes}", moment(next, now)));
        }
        (Some(next), None) => parts.push(format!("next try {}", moment(next, now))),
        (None, _) if clock.every.is_some() => {
            let seconds = clock.every.unwrap_or_default().as_secs();
            let every = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            parts.push(format!("tries again every {every:#}"));
        }
        (None, _) if !cause.cycle.is_empty() => {}
        (None, wakes) if affected.is_some_and(|object| object.stalled) => parts.push(match wakes {
            Some(wakes) => format!("no retry will come before {wakes}"),
            None => "no retry will come".to_owned(),
        }),
        (None, _) => {}
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Characters of one quotation that are told unless everything is asked for.
const GIST: usize = 280;

/// What was seen, one paragraph each; of long words the beginning, unless `in_full`.
pub(super) fn evidence(page: &mut Page<'_>, cause: &Cause, now: Timestamp, in_full: bool) -> io::Result<()> {
    for quote in &cause.fault.evidence {
        let mut text = quote.text.clone();
        if !in_full && text.chars().count() > GIST {
            text = text.chars().take(GIST).collect();
            text.push(page.symbols.ellipsis.chars().next().unwrap_or('.'));
        }
        let time = quote.time.map(|time| format!("{} ", moment(time, now))).unwrap_or_default();
        let place = quote.at.as_ref().map(|at| format!("{}:{}", at.path, at.line));
        let told = match (place, quote.source) {
            (Some(place), "file") => format!("file: {place} {text}"), // the place is what it is about
            (Some(place), source) => format!("{source}: {time}{text} ({place})"),
            (None, source) => format!("{source}: {time}{text}"),
        };
        let line = page.plain(told);
        page.paragraph(2, &line)?;
    }
    if !cause.suspects.is_empty() {
        broke(page, cause, now)?;
    }
    Ok(())
}

/// The commits that may have broken it, one line each.
fn broke(page: &mut Page<'_>, cause: &Cause, now: Timestamp) -> io::Result<()> {
    let alone = cause.suspects.len() == 1;
    for commit in &cause.suspects {
        let worked = cause.clock.last_good.as_ref().filter(|_| alone);
        let worked = worked.map(|(revision, _)| format!(" ({} worked)", revision.short())).unwrap_or_default();
        let verb = if alone { "broke" } else { "may have broken it" };
        let (subject, author) = (clean(&commit.subject), clean(&commit.author));
        let text =
            format!("{verb}: {} \"{subject}\", {} by {author}{worked}", commit.short, moment(commit.time, now));
        let line = page.plain(text);
        page.paragraph(2, &line)?;
    }
    Ok(())
}

/// What can be done; commands are neither cut nor broken.
pub(super) fn remedies(page: &mut Page<'_>, cause: &Cause) -> io::Result<()> {
    for remedy in &cause.fault.remedies {
        let text = page.plain(match remedy.command {
            Some(_) => format!("{}:", remedy.text),
            None => remedy.text.clone(),
        });
        page.paragraph(2, &text)?;
        if let Some(command) = &remedy.command {
            let command = clean(command);
            page.command(&command)?;
        }
    }
    Ok(())
}

/// `a → b → c`; of a long chain the middle is left out.
pub(super) fn arrows(page: &Page<'_>, mut names: Vec<String>) -> String {
    if names.len() > LONGEST {
        let left_out = names.len() - LONGEST;
        names.splice(LONGEST - 2..names.len() - 2, [format!("{} {left_out} more", page.symbols.ellipsis)]);
    }
    names.join(&format!(" {} ", page.symbols.arrow))
}
