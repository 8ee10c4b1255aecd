//! What a plain scalar means to the controllers.
//!
//! They read YAML through sigs.k8s.io/yaml 1.6, which stands on go-yaml v2: a dialect between YAML 1.1 and 1.2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A scalar, resolved.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// A scalar's tag, as far as it decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// No tag: a plain scalar is resolved, a quoted one is text.
    None,
    Text,
    Int,
    Float,
    Bool,
    Null,
    Binary,
    /// `!`, a tag of one's own, or one that changes nothing.
    Other,
}

/// Reads a scalar as go-yaml v2 does; the error says what it cannot be, without quoting it.
pub(super) fn resolve(text: &str, plain: bool, tag: Tag) -> Result<Scalar, &'static str> {
    let wrong = match tag {
        Tag::None if plain => return Ok(resolve_plain(text)),
        Tag::None | Tag::Text | Tag::Other => return Ok(Scalar::Text(text.to_owned())),
        Tag::Binary => {
            let bytes = STANDARD.decode(text).map_err(|_| "a !!binary value is no base64")?;
            return Ok(Scalar::Text(String::from_utf8_lossy(&bytes).into_owned()));
        }
        Tag::Int => "a value is no !!int",
        Tag::Float => "a value is no !!float",
        Tag::Bool => "a value is no !!bool",
        Tag::Null => "a value is no !!null",
    };
    match (tag, resolve_plain(text)) {
        (Tag::Int, scalar @ (Scalar::Int(_) | Scalar::Unsigned(_)))
        | (Tag::Float, scalar @ (Scalar::Int(_) | Scalar::Unsigned(_) | Scalar::Float(_)))
        | (Tag::Bool, scalar @ Scalar::Bool(_))
        | (Tag::Null, scalar @ Scalar::Null) => Ok(scalar),
        _ => Err(wrong),
    }
}

fn resolve_plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// `strconv.ParseInt(text, 0, 64)`, else `ParseUint`: a leading `0` alone means octal.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &rest[2..]),
        [b'0', b'o' | b'O', ..] => (8, &rest[2..]),
        [b'0', b'b' | b'B', ..] => (2, &rest[2..]),
        [b'0', _, ..] => (8, &rest[1..]),
        _ => (10, rest),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    if let Ok(number) = i64::from_str_radix(&signed, radix) {
        return Some(Scalar::Int(number));
    }
    let unsigned = !text.starts_with(['+', '-']);
    u64::from_str_radix(digits, radix).ok().filter(|_| unsigned).map(Scalar::Unsigned)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, if a float of 64 bits can hold it.
fn float(text: &str) -> Option<Scalar> {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits(rest);
    let rest = &rest[whole..];
    let rest = match rest.strip_prefix('.') {
        Some(rest) => {
            let fraction = digits(rest);
            if whole + fraction == 0 {
                return None;
            }
            &rest[fraction..]
        }
        None if whole == 0 => return None,
        None => rest,
    };
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || digits(exponent) != exponent.len() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Scalar::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }

    /// What sigs.k8s.io/yaml 1.6.0 (go-yaml v2.4.2) answered for each.
    #[test]
    fn plain_scalars_mean_what_they_mean_to_go() {
        use Scalar::{Bool, Float, Int, Null, Unsigned};
        for (plain, meaning) in [
            ("", Null),
            ("~", Null),
            ("Null", Null),
            ("y", Bool(true)),
            ("Y", Bool(true)),
            ("yes", Bool(true)),
            ("on", Bool(true)),
            ("TRUE", Bool(true)),
            ("tRUE", text("tRUE")),
            ("n", Bool(false)),
            ("no", Bool(false)),
            ("off", Bool(false)),
            ("0775", Int(509)),
            ("1_000", Int(1000)),
            ("1__0", Int(10)),
            ("_1", text("_1")),
            ("0o14", Int(12)),
            ("0O14", Int(12)),
            ("0x1F", Int(31)),
            ("-0x1f", Int(-31)),
            ("+0x1f", Int(31)),
            ("0b11", Int(3)),
            ("-0b11", Int(-3)),
            ("0b2", text("0b2")),
            ("0b1_1", Int(3)),
            ("0x", text("0x")),
            ("0o8", text("0o8")),
            ("0o", text("0o")),
            ("08", Float(8.0)),
            ("00", Int(0)),
            ("-0", Int(0)),
            ("-012", Int(-10)),
            ("0_7", Int(7)),
            ("0777_7", Int(4095)),
            ("+1", Int(1)),
            ("1e3", Float(1000.0)),
            ("1E5", Float(100_000.0)),
            ("1.e5", Float(100_000.0)),
            ("+12e03", Float(12_000.0)),
            ("1_000.5e1_0", Float(10_005_000_000_000.0)),
            ("1.", Float(1.0)),
            ("0.", Float(0.0)),
            ("5.0", Float(5.0)),
            (".5", Float(0.5)),
            ("-.5e3", Float(-500.0)),
            ("._5", text("._5")),
            (".e5", text(".e5")),
            ("..5", text("..5")),
            ("1e", text("1e")),
            ("e1", text("e1")),
            ("1e400", text("1e400")),
            ("+", text("+")),
            ("1:30", text("1:30")),
            ("1,000", text("1,000")),
            ("0x1p-2", text("0x1p-2")),
            ("Infinity", text("Infinity")),
            ("2026-11-24", text("2026-11-24")),
            ("2026-11-24T08:00:00Z", text("2026-11-24T08:00:00Z")),
            ("12345678901234567890", Unsigned(12_345_678_901_234_567_890)),
            ("123456789012345678901", Float(123_456_789_012_345_680_000.0)),
            ("-9223372036854775809", Float(-9_223_372_036_854_775_809.0)),
            ("<<", text("<<")),
            ("=", text("=")),
        ] {
            assert_eq!(resolve(plain, true, Tag::None), Ok(meaning), "{plain}");
        }
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text_does() {
        for (source, plain, tag, meaning) in [
            ("yes", false, Tag::None, Ok(text("yes"))),
            ("yes", true, Tag::Text, Ok(text("yes"))),
            ("3", true, Tag::Other, Ok(text("3"))),
            ("3", false, Tag::Int, Ok(Scalar::Int(3))),
            ("yes", false, Tag::Bool, Ok(Scalar::Bool(true))),
            ("3", true, Tag::Float, Ok(Scalar::Int(3))),
            ("aGk=", true, Tag::Binary, Ok(text("hi"))),
            ("x", true, Tag::Int, Err("a value is no !!int")),
            ("x", true, Tag::Null, Err("a value is no !!null")),
        ] {
            assert_eq!(resolve(source, plain, tag), meaning, "{source} {tag:?}");
        }
    }
}
