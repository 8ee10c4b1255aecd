//! `status --watch` for people: one line a change, and what is said while the cluster is not heard of.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::Style;

use super::page::Page;
use crate::diagnosis::selection::{StatusView, spell, spell_in_full};
use crate::diagnosis::{Cause, CauseKey, Change, State};
use crate::model::ObjectKey;
use crate::render::text::age;
use crate::render::view::View;

/// Causes that one line names.
const NAMED: usize = 3;

/// Writes one change: the server's time, the object, what it was and is, and why.
pub fn write_change(
    out: &mut dyn Write,
    change: &Change,
    status: &StatusView<'_>,
    now: Timestamp,
    view: View,
) -> io::Result<()> {
    let page = &mut Page::new(out, View { width: None, ..view });
    let (symbols, palette) = (page.symbols, page.palette);
    let mut spans = vec![page.span(clock(now), palette.dim)];
    match change {
        Change::State { object, before, after } => {
            let name = |state: &Option<State>, absent: &str| match state {
                Some(state) => (state.as_str().to_owned(), palette.state(*state)),
                None => (absent.to_owned(), palette.dim),
            };
            let ((before, dim), (after_name, style)) = (name(before, "new"), name(after, "gone"));
            spans.push(page.span(spell_in_full(object), palette.strong));
            let mut step = page.span(before, dim);
            step.text.push_str(" ->");
            spans.push(step);
            spans.push(page.span(after_name, style));
            let why = why(status, object, *after);
            if !why.is_empty() {
                spans.push(page.plain(why));
            }
        }
        Change::CauseCame(key) => {
            spans.push(page.span(symbols.bad, palette.bad));
            let found = status.causes.iter().find(|cause| key_of(cause) == *key);
            let blocks = found.map(|cause| format!("blocks {}", cause.blocks));
            spans.extend(cause(page, status, key, palette.bad));
            spans.extend(blocks.map(|blocks| page.plain(blocks)));
            spans.extend(found.map(|cause| page.plain(&cause.fault.summary)));
        }
        Change::CauseWent(key) => {
            spans.push(page.span(symbols.good, palette.good));
            spans.extend(cause(page, status, key, Style::new()));
            spans.push(page.plain("gone"));
        }
    }
    let mut line = String::new();
    for (index, span) in spans.iter().enumerate() {
        // a state and its arrow, a symbol and what it is about stand closer together
        let tight = spans[..index].last().is_some_and(|before| {
            before.text.ends_with(" ->") || [symbols.bad, symbols.good].contains(&before.text.as_str())
        });
        line.push_str(if index == 0 {
            ""
        } else if tight {
            " "
        } else {
            "  "
        });
        line.push_str(&span.style.style(&span.text).to_string());
    }
    page.line(&line)
}

/// Why an object is in the state that it is in now, in a few words.
fn why(status: &StatusView<'_>, object: &ObjectKey, state: Option<State>) -> String {
    let diagnosis = status.diagnosis;
    let Some(report) = diagnosis.objects.get(object) else { return String::new() };
    match state {
        Some(State::Ready) => report.revision.as_ref().map(|revision| revision.short()).unwrap_or_default(),
        Some(State::Blocked | State::Unknown) if !report.blocked_by.is_empty() => {
            let names = report.blocked_by.iter().take(NAMED).map(|key| spell(diagnosis, key));
            let mut names: Vec<String> = names.collect();
            if report.blocked_by.len() > NAMED {
                names.push(format!("{} more", report.blocked_by.len() - NAMED));
            }
            format!("by {}", names.join(", "))
        }
        Some(State::Failed) => {
            let causes = diagnosis.causes.iter().filter(|cause| cause.affected.contains(object));
            let codes: Vec<String> = causes.map(|cause| code(&key_of(cause))).collect();
            codes.join(", ")
        }
        _ => String::new(),
    }
}

fn key_of(cause: &Cause) -> CauseKey {
    (cause.fault.object.clone(), cause.fault.code, cause.fault.subcode)
}

fn code((_, code, subcode): &CauseKey) -> String {
    match subcode {
        Some(subcode) => format!("{}/{subcode}", code.as_str()),
        None => code.as_str().to_owned(),
    }
}

fn cause(page: &Page<'_>, status: &StatusView<'_>, key: &CauseKey, style: Style) -> [super::page::Span; 2] {
    let name = if key.0.kind.is_applier() {
        spell(status.diagnosis, &key.0)
    } else {
        format!("{} {}", key.0.kind.kind, key.0.namespaced_name())
    };
    [page.span(name, page.palette.strong), page.span(code(key), style)]
}

/// Writes that something is not heard of any more, since when, and why.
pub fn write_trouble(
    out: &mut dyn Write,
    what: &str,
    reason: &str,
    since: Timestamp,
    now: Timestamp,
    view: View,
) -> io::Result<()> {
    let mut page = Page::new(out, view);
    let symbol = page.span(page.symbols.warning, page.palette.warning);
    let lost = format!("{what} lost, last heard {} ({} ago);", clock(since), age(since, now));
    let mut spans = vec![page.span(lost, page.palette.warning)];
    let rest = format!("shown as it was then, trying again: {reason}");
    spans.extend(rest.split(' ').map(|word| page.plain(word)));
    page.flow(&symbol, &spans, " ")
}

/// Time of day, UTC as all times of a report.
pub fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::selection::Selection;
    use crate::diagnosis::selection::testing::*;
    use crate::diagnosis::{Code, Diagnosis, Marks};

    fn view(unicode: bool) -> View {
        View { width: Some(40), unicode, ..View::default() }
    }

    fn now() -> Timestamp {
        "2026-11-24T02:41:07Z".parse().unwrap()
    }

    fn told(before: &Diagnosis, after: &Diagnosis, unicode: bool) -> String {
        let selection = Selection::default();
        let (before, after) = (selection.view(before), selection.view(after));
        let mut out = Vec::new();
        for change in Marks::of(&before).changes_to(&Marks::of(&after)) {
            write_change(&mut out, &change, &after, now(), view(unicode)).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn good() -> Diagnosis {
        diagnosis([ks("flux-system/cert-manager"), ks("flux-system/apps"), ks("flux-system/web")])
    }

    fn bad() -> Diagnosis {
        diagnosis([
            ks("flux-system/cert-manager").failed(Code::BuildFailed),
            ks("flux-system/apps").blocked_by("flux-system/cert-manager"),
            ks("shop/new"),
        ])
    }

    #[test]
    fn each_change_is_one_line_whatever_the_width() {
        insta::assert_snapshot!(told(&good(), &bad(), true), @r"
        02:41:07  ✗ cert-manager  BuildFailed  blocks 1  cert-manager is wrong and has to be mended before anything behind it can go on
        02:41:07  ks/flux-system/apps  Ready -> Blocked  by cert-manager
        02:41:07  ks/flux-system/cert-manager  Ready -> Failed  BuildFailed
        02:41:07  ks/flux-system/web  Ready -> gone
        02:41:07  ks/shop/new  new -> Ready  main@8c1d22e
        ");
    }

    #[test]
    fn a_cause_that_is_gone_is_told_after_what_it_had_held() {
        insta::assert_snapshot!(told(&bad(), &good(), false), @r"
        02:41:07  ks/flux-system/apps  Blocked -> Ready  main@8c1d22e
        02:41:07  ks/flux-system/cert-manager  Failed -> Ready  main@8c1d22e
        02:41:07  ks/flux-system/web  new -> Ready  main@8c1d22e
        02:41:07  ks/shop/new  Ready -> gone
        02:41:07  + cert-manager  BuildFailed  gone
        ");
    }

    #[test]
    fn a_lost_connection_is_told_within_the_width() {
        let mut out = Vec::new();
        let since = "2026-11-24T02:40:32Z".parse().unwrap();
        let reason = "cannot reach https://10.0.0.1:6443: connection refused";
        write_trouble(&mut out, "connection", reason, since, now(), view(true)).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        ⚠ connection lost, last heard 02:40:32
          (35s ago); shown as it was then,
          trying again: cannot reach
          https://10.0.0.1:6443: connection
          refused
        ");
    }
}
