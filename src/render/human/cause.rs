//! How a root cause is told, whichever command tells it.

use std::io;

use jiff::Timestamp;

use super::page::{Lead, Page};
use crate::diagnosis::{Cause, Diagnosis, Ends, Quote, RetryClock};
use crate::model::At;
use crate::render::text::{age, clean, columns, count, moment, period};

/// Names of a chain or loop that are told before its middle is left out.
const LONGEST: usize = 12;

/// `✗ cert-manager  SopsKeyMismatch  blocks 8  since 02:41 (31m)`
pub(super) fn head(page: &mut Page<'_>, title: &str, cause: &Cause, now: Timestamp) -> io::Result<()> {
    let mut spans = vec![
        page.span(title, page.palette.strong),
        page.span(code(cause), page.palette.bad),
        page.plain(format!("blocks {}", cause.blocks)),
    ];
    if let Some(since) = cause.since {
        spans.push(page.plain(format!("since {} ({})", moment(since, now), age(since, now))));
    }
    let symbol = page.span(page.symbols.bad, page.palette.bad);
    page.flow(&symbol, &spans, "  ")
}

/// Code and sub-reason.
pub(super) fn code(cause: &Cause) -> String {
    match cause.fault.subcode {
        Some(subcode) => format!("{}/{subcode}", cause.fault.code.as_str()),
        None => cause.fault.code.as_str().to_owned(),
    }
}

/// What worked last, and when the next try is due.
pub(super) fn clock(cause: &Cause, diagnosis: &Diagnosis) -> Option<String> {
    let (clock, now) = (&cause.clock, diagnosis.now);
    let mut parts = Vec::new();
    if let Some((revision, time)) = &clock.last_good {
        let time = time.map(|time| format!(" {}", moment(time, now))).unwrap_or_default();
        parts.push(format!("last good {}{time}", revision.short()));
    }
    if !matches!(clock.ends, Some(Ends::TimesOut(_))) {
        parts.extend(tries(clock, now)); // how long one of several runs may take says nothing of the cause
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// When it tries again, and what ends that.
pub(super) fn tries(clock: &RetryClock, now: Timestamp) -> Option<String> {
    let every = |text: String| match clock.every {
        Some(every) => format!("{text} (every {})", period(every)),
        None => text,
    };
    Some(match (clock.ends, clock.next_try) {
        (Some(Ends::Stalled), _) => match clock.wakes {
            Some(wakes) => format!("no retry will come before {wakes}"),
            None => "no retry will come".to_owned(),
        },
        (Some(Ends::TriesLeft(left)), _) => format!("gives up after {}", count_failures(left)),
        (Some(Ends::TimesOut(until)), _) if until <= now => format!("should have ended {}", moment(until, now)),
        (Some(Ends::TimesOut(until)), _) => format!("may run until {}", moment(until, now)),
        (None, Some(next)) if next <= now => every("next try due".to_owned()),
        (None, Some(next)) => match clock.wakes {
            Some(wakes) => format!("next try {}, sooner only after {wakes}", moment(next, now)),
            None => format!("next try {}", moment(next, now)),
        },
        (None, None) => return None,
    })
}

fn count_failures(left: i64) -> String {
    count(usize::try_from(left).unwrap_or_default(), "more failure")
}

/// Columns of a quotation that are told unless everything is asked for.
const GIST: usize = 280;

/// Lines that it may take on a page.
const GIST_LINES: usize = 2;

/// Turns a place in the repository into a URL, where one is known.
pub(super) type Links<'a> = &'a dyn Fn(&At) -> Option<String>;

/// What was seen, a label and the words; of long words the beginning, unless `in_full`.
pub(super) fn evidence(
    page: &mut Page<'_>,
    cause: &Cause,
    now: Timestamp,
    in_full: bool,
    links: Links<'_>,
) -> io::Result<()> {
    for quote in &cause.fault.evidence {
        let short = short_keys(&quote.text, page.symbols.ellipsis);
        if cause.fault.summary.starts_with(&short) && quote.at.is_none() && !in_full {
            continue; // it says the same again
        }
        let place = quote.at.as_ref().map(|at| format!("{}:{}", at.path, at.line));
        let link = quote.at.as_ref().and_then(links);
        let leads = quote.source == "file"; // the place is what it is about
        let time = quote.time.map(|time| format!("{} ", moment(time, now))).unwrap_or_default();
        let told = match &place {
            Some(place) if !leads => format!("{time}{} ({place})", quote.text),
            _ => format!("{time}{}", quote.text),
        };
        let told = if in_full {
            told
        } else {
            gist(page, &short_keys(&told, page.symbols.ellipsis), place.as_deref())
        };
        let lead = place.as_deref().filter(|_| leads);
        let lead = lead.map(|text| Lead { text, link: link.as_deref() });
        let words = page.plain(told);
        page.labelled(label(quote), lead, &words)?;
    }
    broke(page, cause, now)
}

/// The word for what was seen.
fn label(quote: &Quote) -> &'static str {
    match quote.source {
        "condition" | "event" | "history" => "seen",
        "secret" | "configmap" => "has",
        "metadata" => "meta",
        other => other,
    }
}

/// The beginning of a text, as much as two lines hold beside what stands before it.
fn gist(page: &Page<'_>, text: &str, before: Option<&str>) -> String {
    let lines = page.width.map(|width| width.saturating_sub(12) * GIST_LINES);
    let room = lines.unwrap_or(GIST).saturating_sub(before.map_or(0, columns)).max(60);
    if columns(text) <= room {
        return text.to_owned();
    }
    let mut cut = String::new();
    for word in text.split(' ') {
        if columns(&cut) + columns(word) + 2 > room {
            break;
        }
        cut.push_str(if cut.is_empty() { "" } else { " " });
        cut.push_str(word);
    }
    if cut.is_empty() {
        cut = text.chars().take(room / 2).collect();
    }
    format!("{cut} {}", page.symbols.ellipsis)
}

/// Public age keys by their ends: nobody reads the middle.
fn short_keys(text: &str, ellipsis: &str) -> String {
    let short = |word: &str| {
        let end = word.len() - word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len();
        let (key, rest) = word.split_at(word.len() - end);
        let is_key =
            key.starts_with("age1") && key.len() > 24 && key.bytes().all(|b| b.is_ascii_alphanumeric());
        match (is_key, key.get(..7), key.get(key.len().saturating_sub(4)..)) {
            (true, Some(head), Some(tail)) => format!("{head}{ellipsis}{tail}{rest}"),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// The commits that may have broken it, one line each.
fn broke(page: &mut Page<'_>, cause: &Cause, now: Timestamp) -> io::Result<()> {
    let alone = cause.suspects.len() == 1;
    for (index, commit) in cause.suspects.iter().enumerate() {
        let worked = cause.clock.last_good.as_ref().filter(|_| alone);
        let worked = worked.map(|(revision, _)| format!(" ({} worked)", revision.short())).unwrap_or_default();
        let maybe = if alone { "" } else { "perhaps " };
        let (subject, author) = (clean(&commit.subject), clean(&commit.author));
        let text =
            format!("{maybe}{} \"{subject}\", {} by {author}{worked}", commit.short, moment(commit.time, now));
        let line = page.plain(text);
        page.labelled(if index == 0 { "broke" } else { "" }, None, &line)?;
    }
    Ok(())
}

/// What can be done; commands are neither cut nor broken, and stand on lines of their own.
pub(super) fn remedies(page: &mut Page<'_>, cause: &Cause, indent: usize) -> io::Result<()> {
    for remedy in &cause.fault.remedies {
        let text = match remedy.command {
            Some(_) => format!("{}:", remedy.text),
            None => remedy.text.clone(),
        };
        let text = page.plain(text);
        page.bullet(page.symbols.command, &text, indent)?;
        if let Some(command) = &remedy.command {
            let command = clean(command);
            page.command_below(&command, indent + 2)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::View;

    const KEY: &str = "age1k4fqkc4swutrf3xkghutwy435nyjgkvqhk3j4ysv40crrv9gvqas0gkk2p";

    #[test]
    fn public_keys_are_told_by_their_ends() {
        let text = format!("encrypted for {KEY}, and {KEY}: FAILED age1short");
        assert_eq!(short_keys(&text, "…"), "encrypted for age1k4f…kk2p, and age1k4f…kk2p: FAILED age1short");
    }

    #[test]
    fn a_long_quotation_ends_within_two_lines_at_a_word() {
        let mut out = Vec::new();
        let page = Page::new(&mut out, View { width: Some(80), unicode: true, ..View::default() });
        let long = "word ".repeat(60);
        let cut = gist(&page, long.trim_end(), None);
        assert!(cut.ends_with("word …") && columns(&cut) <= 138 && columns(&cut) > 120, "{cut}");
        assert_eq!(gist(&page, "short", None), "short");
        assert!(columns(&gist(&page, &"x".repeat(500), None)) < 138);
    }

    #[test]
    fn a_clock_says_when_and_what_ends_it() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let every = Some(std::time::Duration::from_secs(600));
        let clock = RetryClock::default();
        for (clock, told) in [
            (clock.clone(), None),
            (
                RetryClock {
                    next_try: at("2026-11-24T12:04:00Z"),
                    every,
                    wakes: Some("a push"),
                    ..clock.clone()
                },
                Some("next try 12:04, sooner only after a push"),
            ),
            (
                RetryClock { next_try: at("2026-11-24T11:59:00Z"), every, ..clock.clone() },
                Some("next try due (every 10m)"),
            ),
            (RetryClock { ends: Some(Ends::Stalled), ..clock.clone() }, Some("no retry will come")),
            (
                RetryClock { ends: Some(Ends::TriesLeft(1)), ..clock.clone() },
                Some("gives up after 1 more failure"),
            ),
            (
                RetryClock { ends: at("2026-11-24T12:10:00Z").map(Ends::TimesOut), ..clock.clone() },
                Some("may run until 12:10"),
            ),
            (
                RetryClock { ends: at("2026-11-24T11:50:00Z").map(Ends::TimesOut), ..clock },
                Some("should have ended 11:50"),
            ),
        ] {
            assert_eq!(tries(&clock, now).as_deref(), told);
        }
    }
}
