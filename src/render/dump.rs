//! A snapshot as a file: one `v1` List that `--from` reads again, and that kubectl takes for what it is.

use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::json;
use super::text::is_harmful;
use crate::wire::Stated;

/// A `v1` List with two fields of ours: when it was taken, and what it says of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    taken_at: String,
    fluxlayers: &'a Stated,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<&'a [Value]>,
}

impl<'a> List<'a> {
    fn new(taken_at: Timestamp, stated: &'a Stated, items: Option<&'a [Value]>) -> Self {
        Self { api_version: "v1", kind: "List", taken_at: taken_at.to_string(), fluxlayers: stated, items }
    }
}

/// Writes it as JSON.
pub fn write_json(
    out: &mut impl io::Write,
    taken_at: Timestamp,
    stated: &Stated,
    items: &[Value],
) -> io::Result<()> {
    json::write(out, &List::new(taken_at, stated, Some(items)))
}

/// Writes it as YAML, one object after the other, so that the text of all of them is never in memory at once.
pub fn write_yaml(
    out: &mut impl io::Write,
    taken_at: Timestamp,
    stated: &Stated,
    items: &[Value],
) -> io::Result<()> {
    if items.is_empty() {
        return write_part(out, "", &List::new(taken_at, stated, Some(&[])));
    }
    write_part(out, "", &List::new(taken_at, stated, None))?;
    out.write_all(b"items:\n")?;
    items.iter().try_for_each(|item| write_part(out, "- ", &[item]))
}

/// Writes a part in block style; with `flow` before it as one line of JSON where it holds what could steer a terminal,
/// which block style cannot spell.
fn write_part(out: &mut impl io::Write, flow: &str, part: &impl Serialize) -> io::Result<()> {
    let text = serde_saphyr::to_string(part).map_err(io::Error::other)?;
    if text.chars().all(|char| char == '\n' || !is_harmful(char)) {
        return out.write_all(text.as_bytes());
    }
    let value = serde_json::to_value(part).map_err(io::Error::other)?;
    match &value {
        Value::Array(items) => items.iter().try_for_each(|item| {
            out.write_all(flow.as_bytes())?;
            json::write_in_yaml(out, item)?;
            out.write_all(b"\n")
        }),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            write!(out, "{name}: ")?;
            json::write_in_yaml(out, value)?;
            out.write_all(b"\n")
        }),
        other => json::write_in_yaml(out, other),
    }
}
