//! YAML for people and machines: the same documents as in JSON.

use std::io;

use serde::Serialize;

use super::text::is_harmful;

/// Writes a document.
///
/// Whatever could steer a terminal stands there as an escape inside double quotes.
pub fn write(out: &mut impl io::Write, document: &impl Serialize) -> io::Result<()> {
    let text = serde_saphyr::to_string(document).map_err(io::Error::other)?;
    // the emitter escapes controls; a turn of direction that it lets through would fool the reader's eye
    let harmless = |c: &char| *c == '\n' || !is_harmful(*c);
    if text.chars().all(|c| harmless(&c)) {
        out.write_all(text.as_bytes())
    } else {
        let text: String = text.chars().filter(harmless).collect();
        out.write_all(text.as_bytes())
    }
}
