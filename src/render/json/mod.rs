//! JSON for machines, `fluxlayers/v1`: structs of their own, so that no change inside changes what scripts read.

mod common;
pub mod impact;
pub mod reconcile;
pub mod status;
pub mod version;
pub mod why;

use std::io;

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

/// Writes a document, indented, with a line break at its end.
///
/// Whatever could steer a terminal is written as an escape, so that the data stays whole and printing it is safe.
pub fn write(out: &mut impl io::Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping(PrettyFormatter::new()));
    document.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// Writes a document as [`write()`] does, in one line.
pub fn write_line(out: &mut impl io::Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Escaping(serde_json::ser::CompactFormatter);
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    document.serialize(&mut serializer).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// One line of JSON that is YAML as well: characters outside of the basic plane are escaped as YAML spells them.
pub(super) fn write_in_yaml(out: &mut impl io::Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, EscapingForYaml);
    document.serialize(&mut serializer).map_err(io::Error::from)
}

struct EscapingForYaml;

impl serde_json::ser::Formatter for EscapingForYaml {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        for char in text.chars() {
            match char {
                char if super::text::is_harmful(char) => write!(out, "\\U{:08x}", u32::from(char))?,
                char => write!(out, "{char}")?,
            }
        }
        Ok(())
    }
}

/// Printing with escapes for what JSON would let through: C1 controls, DEL, turns of direction.
struct Escaping<F>(F);

impl<F: serde_json::ser::Formatter> serde_json::ser::Formatter for Escaping<F> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_key(out)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(start) = rest.find(super::text::is_harmful) {
            out.write_all(&rest.as_bytes()[..start])?;
            let mut chars = rest[start..].chars();
            let mut units = [0; 2];
            for unit in chars.next().unwrap_or_default().encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}
