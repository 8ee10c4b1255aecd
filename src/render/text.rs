//! Words on a terminal: foreign text made harmless, lines of a width, times and ages.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// One line of foreign text that can do nothing to a terminal.
///
/// Escape sequences, control characters and what turns the direction of text around are taken out; line breaks,
/// tabs and runs of spaces become one space.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next_if(|next| matches!(next, '[' | ']' | 'P' | 'X' | '^' | '_')) {
                Some('[') => skip_control_sequence(&mut chars),
                Some(_) => skip_string(&mut chars),
                None => {}
            },
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            char if char.is_whitespace() || char == '\u{85}' => {
                if !cleaned.ends_with(' ') {
                    cleaned.push(' ');
                }
            }
            char if is_harmful(char) => {}
            char => cleaned.push(char),
        }
    }
    let trimmed = cleaned.trim();
    if trimmed.len() == cleaned.len() { cleaned } else { trimmed.to_owned() }
}

/// Whether a character steers the terminal or the direction of text instead of being shown.
pub(super) fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(char, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Parameters, intermediates, and the final character; what does not belong to it is text again.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|char| ('\u{20}'..='\u{3f}').contains(char)).is_some() {}
    chars.next_if(|char| ('\u{40}'..='\u{7e}').contains(char));
}

/// Up to the terminator, where there is one; else only the introducer goes, so that no text is lost.
fn skip_string(chars: &mut Chars<'_>) {
    let mut ahead = chars.clone();
    while let Some(char) = ahead.next() {
        let ends = match char {
            '\u{7}' | '\u{9c}' => true,
            '\u{1b}' => ahead.next_if_eq(&'\\').is_some(),
            _ => false,
        };
        if ends {
            *chars = ahead;
            return;
        }
    }
}

/// Our own typography in ASCII; letters of any script stay as they are.
pub(super) fn to_ascii_typography(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '…' => ascii.push_str("..."),
            '→' => ascii.push_str("->"),
            '–' | '—' | '−' => ascii.push('-'),
            '“' | '”' | '„' => ascii.push('"'),
            '‘' | '’' => ascii.push('\''),
            '×' => ascii.push('x'),
            '≥' => ascii.push_str(">="),
            '≤' => ascii.push_str("<="),
            char => ascii.push(char),
        }
    }
    ascii
}

/// Columns that a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines of a width, at spaces; a word that is wider than a line is broken where it must be.
///
/// At least one line comes back. A width of 0 counts as 1.
pub(super) fn wrap(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else { return vec![text.to_owned()] };
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let needed = columns(word) + if line.is_empty() { 0 } else { columns(&line) + 1 };
        if needed <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut used = 0;
        for char in word.chars() {
            let char_width = char.width().unwrap_or(0);
            if used + char_width > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(char);
            used += char_width;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A list of names in at most so many lines of a width; what does not fit is counted: `a, b … and 37 more`.
pub(super) fn list(names: &[String], width: Option<usize>, most_lines: usize, ellipsis: &str) -> Vec<String> {
    let all = wrap(&names.join(", "), width);
    if all.len() <= most_lines {
        return all;
    }
    let first = |count: usize| {
        let shown = names[..count].join(", ");
        wrap(&format!("{shown} {ellipsis} and {} more", names.len() - count), width)
    };
    // the largest count that fits; more names never take fewer lines
    let (mut fits, mut too_many) = (0, names.len());
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        if first(middle).len() <= most_lines {
            fits = middle;
        } else {
            too_many = middle;
        }
    }
    first(fits.max(1)) // a bare count would say nothing
}

/// `1 Kustomization`, `12 Kustomizations`.
pub(super) fn count(number: usize, singular: &str) -> String {
    format!("{number} {singular}{}", if number == 1 { "" } else { "s" })
}

/// A time of the day, with the date where it is not that of `now`; UTC.
pub(super) fn moment(time: Timestamp, now: Timestamp) -> String {
    let (time, now) = (time.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    let format = if time.date() == now.date() {
        "%H:%M"
    } else if time.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    time.strftime(format).to_string()
}

/// How long ago, as kubectl says it: `45s`, `5m30s`, `31m`, `3h20m`, `20h`, `3d4h`, `30d`, `2y40d`.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |number: i64, unit: char, rest: i64, rest_unit: char| {
        let mut text = format!("{number}{unit}");
        if rest != 0 {
            let _ = write!(text, "{rest}{rest_unit}"); // writing into a String cannot fail
        }
        text
    };
    match () {
        () if seconds < 120 => format!("{seconds}s"),
        () if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        () if minutes < 180 => format!("{minutes}m"),
        () if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        () if hours < 48 => format!("{hours}h"),
        () if hours < 192 => two(days, 'd', hours % 24, 'h'),
        () if days < 730 => format!("{days}d"),
        () if days < 2920 => two(days / 365, 'y', days % 365, 'd'),
        () => format!("{}y", days / 365),
    }
}

/// A word as a POSIX shell reads it back.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        for (foreign, harmless) in [
            ("plain text", "plain text"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("\u{9b}31mred", "red"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b]never ended", "never ended"),
            ("bell\x07 back\x08space", "bell backspace"),
            ("over\rwritten", "over written"),
            ("two\r\n  lines\n\n", "two lines"),
            ("a\u{202e}b\u{2066}c\u{200f}d", "abcd"),
            ("c1 \u{85}next\u{8d}", "c1 next"),
            ("ключ 鍵 \u{1f511}", "ключ 鍵 \u{1f511}"),
            ("nul\0", "nul"),
        ] {
            assert_eq!(clean(foreign), harmless, "{foreign:?}");
        }
    }

    #[test]
    fn ages_read_as_those_of_kubectl() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (330, "5m30s"),
            (1860, "31m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (12_000, "3h20m"),
            (28_800, "8h"),
            (172_800, "2d"),
            (273_600, "3d4h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (66_528_000, "2y40d"),
            (315_360_000, "10y"),
        ] {
            assert_eq!(age(now - jiff::SignedDuration::from_secs(seconds), now), text);
        }
    }

    #[test]
    fn times_of_another_day_carry_their_date() {
        let now: Timestamp = "2026-11-24T00:10:00Z".parse().unwrap();
        for (time, text) in [
            ("2026-11-24T00:05:00Z", "00:05"),
            ("2026-11-24T05:05:00+05:00", "00:05"),
            ("2026-11-22T02:41:00Z", "Nov 22 02:41"),
            ("2025-12-31T23:59:00Z", "2025-12-31 23:59"),
        ] {
            assert_eq!(moment(time.parse().unwrap(), now), text);
        }
    }

    #[test]
    fn a_list_counts_what_does_not_fit() {
        let names: Vec<String> = (1..=40).map(|n| format!("app-{n}")).collect();
        assert_eq!(list(&names[..3], Some(40), 1, "…"), ["app-1, app-2, app-3"]);
        assert_eq!(list(&names, Some(40), 1, "…"), ["app-1, app-2, app-3, app-4 … and 36 more"]);
        assert_eq!(list(&names, Some(5), 1, "…").join("|"), "app-1|… and|39|more");
        assert_eq!(list(&names, None, 1, "…")[0].len(), names.join(", ").len());
    }

    #[test]
    fn words_for_the_shell_are_quoted_where_they_must_be() {
        assert_eq!(shell_word("hr/media/plex"), "hr/media/plex");
        assert_eq!(shell_word("a; rm -rf /"), "'a; rm -rf /'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("$(x)`y`"), "'$(x)`y`'");
        assert_eq!(shell_word(""), "''");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_harmless_and_stays_so(text in proptest::collection::vec(any::<char>(), 0..40)) {
            let text: String = text.into_iter().collect();
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(is_harmful), "{cleaned:?}");
            prop_assert_eq!(clean(&cleaned), cleaned);
        }

        #[test]
        fn wrapped_lines_fit_and_lose_nothing(text in "[a-z 鍵]{0,80}", width in 2usize..30) {
            let lines = wrap(&text, Some(width));
            prop_assert!(lines.iter().all(|line| columns(line) <= width));
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
