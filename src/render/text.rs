//! Words on a terminal: lines of a width, times and ages.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::foreign::clean;
pub(super) use crate::foreign::is_harmful;

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
    let mut lines = Lines::new(width);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !lines.add(word) {
            lines.add_broken(word);
        }
    }
    lines.finish()
}

/// Lines of a width that are filled word by word.
struct Lines {
    width: usize,
    full: Vec<String>,
    line: String,
}

impl Lines {
    fn new(width: usize) -> Self {
        Self { width: width.max(1), full: Vec::new(), line: String::new() }
    }

    /// Adds a word to this line or the next one; `false` where it is wider than a line.
    fn add(&mut self, word: &str) -> bool {
        let needed = columns(word);
        if needed > self.width {
            return false;
        }
        if !self.line.is_empty() && columns(&self.line) + 1 + needed > self.width {
            self.end();
        }
        if !self.line.is_empty() {
            self.line.push(' ');
        }
        self.line.push_str(word);
        true
    }

    /// Adds a word that is wider than a line, on lines of its own; what follows may stand beside its end.
    fn add_broken(&mut self, word: &str) {
        for piece in pieces(word, self.width) {
            self.end();
            self.line.push_str(piece);
        }
    }

    fn end(&mut self) {
        if !self.line.is_empty() {
            self.full.push(std::mem::take(&mut self.line));
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.line.is_empty() || self.full.is_empty() {
            self.full.push(self.line);
        }
        self.full
    }
}

/// Breaks a word after a `/` that is not too far back, else after the last `/` or `-` that fits, else where it must be.
fn pieces(word: &str, width: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), word);
    while columns(rest) > width {
        let (mut used, mut fits, mut slash, mut either) = (0, 0, None, None);
        for (at, char) in rest.char_indices() {
            used += char.width().unwrap_or(0);
            if used > width && fits > 0 {
                break; // one character goes in, however wide it is
            }
            fits = at + char.len_utf8();
            if char == '/' && used * 2 >= width {
                slash = Some(fits);
            }
            if matches!(char, '/' | '-') {
                either = Some(fits);
            }
        }
        let (piece, behind) = rest.split_at(slash.or(either).unwrap_or(fits));
        pieces.push(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// A list of names in at most so many lines of a width; what does not fit is counted: `a, b … and 37 more`.
///
/// A name that no line can hold stands on lines of its own. The first name is always told, whatever it takes.
pub(super) fn list(names: &[String], width: Option<usize>, most_lines: usize, ellipsis: &str) -> Vec<String> {
    let Some(columns) = width else { return vec![in_words(names, names.len(), ellipsis)] };
    lines_of(names, fitting(names, columns, most_lines, ellipsis), columns, ellipsis)
}

/// As [`list`], with as many names, for lines that are broken elsewhere.
pub(super) fn list_in_words(
    names: &[String],
    width: Option<usize>,
    most_lines: usize,
    ellipsis: &str,
) -> String {
    let count = width.map_or(names.len(), |width| fitting(names, width, most_lines, ellipsis));
    in_words(names, count, ellipsis)
}

/// How many names fit.
fn fitting(names: &[String], width: usize, most_lines: usize, ellipsis: &str) -> usize {
    let fits = |count: usize| lines_of(names, count, width, ellipsis).len() <= most_lines;
    if fits(names.len()) {
        return names.len();
    }
    // more names never take fewer lines; a bare count would say nothing
    let (mut fitting, mut too_many) = (1.min(names.len()), names.len());
    while too_many > fitting + 1 {
        let middle = fitting + (too_many - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            too_many = middle;
        }
    }
    fitting
}

fn lines_of(names: &[String], count: usize, width: usize, ellipsis: &str) -> Vec<String> {
    let mut lines = Lines::new(width);
    for (index, name) in names[..count].iter().enumerate() {
        let name = if index + 1 < count { format!("{name},") } else { name.clone() };
        if !lines.add(&name) {
            lines.add_broken(&name);
            lines.end();
        }
    }
    for word in rest_of(names, count, ellipsis).split(' ').filter(|word| !word.is_empty()) {
        if !lines.add(word) {
            lines.add_broken(word);
        }
    }
    lines.finish()
}

fn in_words(names: &[String], count: usize, ellipsis: &str) -> String {
    format!("{}{}", names[..count].join(", "), rest_of(names, count, ellipsis))
}

fn rest_of(names: &[String], count: usize, ellipsis: &str) -> String {
    match names.len() - count {
        0 => String::new(),
        more => format!(" {ellipsis} and {more} more"),
    }
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

/// A duration as it is written in a spec, without what is zero: `30s`, `10m`, `1h30m`.
pub(super) fn period(time: Duration) -> String {
    let seconds = time.as_secs();
    let mut text = String::new();
    for (unit, length) in [("h", 3600), ("m", 60), ("s", 1)] {
        let number = match unit {
            "h" => seconds / length,
            _ => seconds / length % 60,
        };
        if number > 0 {
            let _ = write!(text, "{number}{unit}"); // writing into a String cannot fail
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
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
    fn periods_read_as_they_are_written() {
        for (seconds, text) in
            [(0, "0s"), (30, "30s"), (600, "10m"), (3600, "1h"), (5430, "1h30m30s"), (90_000, "25h")]
        {
            assert_eq!(period(Duration::from_secs(seconds)), text);
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
        assert_eq!(list_in_words(&names, Some(40), 1, "…"), "app-1, app-2, app-3, app-4 … and 36 more");
        assert_eq!(list(&[], Some(40), 1, "…"), [""]);
    }

    #[test]
    fn a_name_that_no_line_can_hold_stands_alone_and_is_broken_where_it_reads_well() {
        for (names, width, most, lines) in [
            ("hr/cert-manager/cert-manager", 27, 2, "hr/cert-manager/|cert-manager"),
            (
                "a hr/node-feature-discovery/intel-device-plugins-operator b",
                27,
                9,
                "a,|hr/node-feature-discovery/|intel-device-plugins-|operator,|b",
            ),
            ("hr/node-feature-discovery/nfd", 27, 1, "hr/node-feature-discovery/|nfd"),
            ("hr/node-feature-discovery/nfd b", 27, 1, "hr/node-feature-discovery/|nfd|… and 1 more"),
            ("hr/much-too-long-for-it", 12, 9, "hr/much-too-|long-for-it"),
            ("abcdefghijkl", 5, 1, "abcde|fghij|kl"),
        ] {
            let names: Vec<String> = names.split(' ').map(str::to_owned).collect();
            assert_eq!(list(&names, Some(width), most, "…").join("|"), lines);
        }
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
        fn a_list_splits_no_name_that_fits_and_counts_the_others_right(
            names in proptest::collection::vec("[a-z鍵]{1,9}([/-][a-z]{1,9}){0,4}", 0..12),
            width in 1usize..40,
            most in 1usize..5,
        ) {
            let lines = list(&names, Some(width), most, "…");
            let text = lines.join("\n");
            prop_assert!(lines.iter().all(|line| columns(line) <= width.max(2)), "{text}");
            let (told, more) = match text.split_once('…') {
                Some((told, more)) => (told.trim_end(), more.replace('\n', "")),
                None => (text.as_str(), String::new()),
            };
            let flat = told.replace(['\n', ' '], "");
            let shown = if flat.is_empty() { 0 } else { flat.split(',').count() };
            prop_assert_eq!(names[..shown].join(","), flat);
            let counted: String = more.chars().filter(char::is_ascii_digit).collect();
            let left = names.len() - shown;
            prop_assert_eq!(counted, if left == 0 { String::new() } else { left.to_string() });
            prop_assert!(shown > 0 || names.is_empty());
            for name in &names[..shown] {
                let fits = columns(name) < width; // with its comma
                prop_assert!(!fits || lines.iter().any(|line| line.contains(name.as_str())), "{name}: {text}");
            }
            prop_assert!(lines.len() <= most || shown <= 1, "{text}");
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
