//! Text of others made harmless: one way, for whatever shows it or takes it apart. Pure.

mod credentials;

use std::borrow::Cow;

pub(crate) use credentials::without_credentials_in_words;

/// One line of foreign text that can do nothing to a terminal.
///
/// Escape sequences, control characters and what turns the direction of text around are taken out; line breaks,
/// tabs and runs of spaces become one space.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for char in without_escapes(text).chars() {
        match char {
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

/// The text with what could log in taken out of its URLs: user and password before an `@`, of `ssh` the password alone,
/// and the query.
pub(crate) fn without_credentials(text: String) -> String {
    const MASK: &str = "***";
    if !text.contains("://") {
        return text;
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some((before, after)) = rest.split_once("://") {
        plain.push_str(before);
        plain.push_str("://");
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|' | '\\');
        let url = &after[..after.find(ends).unwrap_or(after.len())];
        rest = &after[url.len()..];
        let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        let mut tail = url;
        if let Some((user, _)) = authority.rsplit_once('@') {
            tail = &url[user.len() + 1..];
            match user.split_once(':') {
                None if before.ends_with("ssh") => plain.push_str(user),
                Some((user, _)) if before.ends_with("ssh") => {
                    plain.push_str(user);
                    plain.push(':');
                    plain.push_str(MASK);
                }
                _ => plain.push_str(MASK),
            }
            plain.push('@');
        }
        match tail.split_once('?') {
            Some((path, query)) => {
                plain.push_str(path);
                plain.push('?');
                // What a controller says after an address is no part of it.
                let said = query.trim_end_matches([':', ',', ';', ')', ']', '.']);
                plain.push_str(if said.is_empty() { "" } else { MASK });
                plain.push_str(&query[said.len()..]);
            }
            None => plain.push_str(tail),
        }
    }
    plain.push_str(rest);
    plain
}

/// The text without escape sequences; all else stands, line breaks and lone control characters too.
pub(crate) fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(is_introducer) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next_if(|next| "[]PX^_()*+".contains(*next)) {
                Some('[') => skip_control_sequence(&mut chars),
                // choice of a character set
                Some('(' | ')' | '*' | '+') => drop(chars.next_if(|set| ('\u{30}'..='\u{7e}').contains(set))),
                Some(_) => skip_string(&mut chars),
                None => {}
            },
            '\u{9b}' => skip_control_sequence(&mut chars),
            char if is_introducer(char) => skip_string(&mut chars),
            char => plain.push(char),
        }
    }
    Cow::Owned(plain)
}

fn is_introducer(char: char) -> bool {
    matches!(char, '\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}')
}

/// Whether a character steers the terminal or the direction of text instead of being shown.
pub(crate) fn is_harmful(char: char) -> bool {
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
            ("\x1b(Bcharset\x1b[m", "charset"),
            ("a\x1b[31mRED\x1b]0;title\x07\u{202e}\u{85}\u{9b}31m", "aRED"),
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
    fn what_takes_texts_apart_sees_no_escapes_and_all_lines() {
        let text = "- |\x1b[31mred\x1b[0m\n\tnext\x1b]0;title\x07 \u{202e}";
        assert_eq!(without_escapes(text), "- |red\n\tnext \u{202e}");
        assert!(matches!(without_escapes("plain\ntext"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_could_log_in_is_taken_out_of_urls() {
        for (text, plain) in [
            ("no address", "no address"),
            ("https://git.example.com/a.git", "https://git.example.com/a.git"),
            ("https://token@git.example.com/a", "https://***@git.example.com/a"),
            ("https://me:p@ss@git.example.com/a", "https://***@git.example.com/a"),
            ("ssh://git@github.com/a", "ssh://git@github.com/a"),
            ("ssh://git:pass@github.com/a", "ssh://git:***@github.com/a"),
            (
                "unable to clone 'https://a:b@c/d': denied, see ssh://x:y@z.",
                "unable to clone 'https://***@c/d': denied, see ssh://x:***@z.",
            ),
            ("Get \"https://a/b?sig=x&y=z\": EOF", "Get \"https://a/b?***\": EOF"),
            ("at https://a/b?sig=x: EOF", "at https://a/b?***: EOF"),
            ("mail me@x.org https://a/@b", "mail me@x.org https://a/@b"),
            ("://", "://"),
        ] {
            assert_eq!(without_credentials(text.to_owned()), plain, "{text}");
        }
    }

    proptest! {
        #[test]
        fn addresses_without_credentials_stay_as_they_are(text in "[a-c:/@?. ']{0,24}(://[a-c:@?/.]{0,9})?") {
            let plain = without_credentials(text);
            prop_assert_eq!(without_credentials(plain.clone()), plain);
        }

        #[test]
        fn cleaned_text_is_harmless_and_stays_so(text in proptest::collection::vec(any::<char>(), 0..40)) {
            let text: String = text.into_iter().collect();
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(is_harmful), "{cleaned:?}");
            prop_assert_eq!(clean(&cleaned), cleaned);
            let plain = without_escapes(&text);
            prop_assert_eq!(clean(&plain), clean(&text));
        }
    }
}
