//! Bytes to documents: gzip, JSON, YAML. Pure; the documents go to `wire`.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::wire::{Declared, ListHead, Place, SnapshotBuilder};
use crate::yaml::{self, Document, NodeId, YamlError};

/// Largest input that is read, after decompression.
pub(super) const MAX_BYTES: u64 = 512 << 20;

/// What came of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Documents that could be parsed, whatever they were.
    pub(super) documents: usize,
    /// What is wrong with the file, each with its name and place.
    pub(super) errors: Vec<String>,
}

/// Reads one file of a dump into the builder; errors are returned and not yet warned of.
pub(super) fn parse_dump(bytes: &[u8], file: &str, builder: &mut SnapshotBuilder) -> Outcome {
    let mut outcome = Outcome::default();
    match text_of(bytes) {
        Err(problem) => outcome.errors.push(format!("{file}: {problem}")),
        Ok(text) => parse_text(&text, file, builder, &mut outcome),
    }
    outcome
}

/// Decompressed and checked text of a file, without its byte order mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let bytes = match bytes {
        [0x1f, 0x8b, ..] => Cow::Owned(gunzip(bytes, MAX_BYTES)?),
        _ => Cow::Borrowed(bytes),
    };
    match bytes.as_ref() {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err("is UTF-16, and only UTF-8 is read".to_owned()),
        tar if tar.get(257..262) == Some(b"ustar") => {
            return Err("is a tar archive; unpack it first".to_owned());
        }
        [b'P', b'K', 3, 4, ..] => return Err("is a zip archive; unpack it first".to_owned()),
        _ => {}
    }
    let text = match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|error| error.utf8_error()),
    };
    let text = text.map_err(|error| format!("is not UTF-8 from byte {} on", error.valid_up_to() + 1))?;
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Cow::Owned(text) if text.starts_with('\u{feff}') => {
            Cow::Owned(text['\u{feff}'.len_utf8()..].to_owned())
        }
        owned => owned,
    })
}

fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes).take(limit + 1).read_to_end(&mut plain) {
        Ok(length) if length as u64 > limit => Err(too_large()),
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("its gzip data ends too early; the file is not complete".to_owned())
        }
        Err(_) => Err("its gzip data is damaged".to_owned()),
    }
}

pub(super) fn too_large() -> String {
    format!("holds more than {} MiB", MAX_BYTES >> 20)
}

fn parse_text(text: &str, file: &str, builder: &mut SnapshotBuilder, outcome: &mut Outcome) {
    if text.trim_start().starts_with(['{', '[']) {
        let (documents, error) = split_json(text);
        match &error {
            // YAML may begin so, too. What was cut off is JSON all the same.
            Some(error) if is_parted(text) || (!error.is_eof() && is_yaml(text)) => {}
            _ => {
                let (mut lines, mut counted) = (0, 0);
                for document in documents {
                    let start = document.end - text[document.clone()].trim_start().len();
                    lines += text[counted..start].matches('\n').count();
                    counted = start;
                    match add_json(&text[start..document.end], lines, file, builder) {
                        Ok(()) => outcome.documents += 1,
                        Err(error) => outcome.errors.push(error),
                    }
                }
                outcome.errors.extend(error.map(|error| json_error(file, 0, &error)));
                return;
            }
        }
    }
    for document in yaml::documents(text) {
        let added = document.and_then(|mut document| add_yaml(&mut document, &Place::file(file), builder));
        outcome.documents += usize::from(added.is_ok());
        let errors = added.unwrap_or_else(|error| vec![error]);
        outcome.errors.extend(errors.iter().map(|error| yaml_error(file, error)));
    }
}

/// Whether documents are parted as YAML does it; no line of JSON begins so. A broken one costs its neighbours nothing.
fn is_parted(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("---"))
}

fn is_yaml(text: &str) -> bool {
    yaml::documents(text).all(|document| document.is_ok())
}

fn yaml_error(file: &str, error: &YamlError) -> String {
    format!("{file}:{}:{}: {}", error.line, error.column, error.message)
}

/// Names the place and the trouble. serde_json quotes no value but in errors about data.
fn json_error(file: &str, lines_before: usize, error: &serde_json::Error) -> String {
    let what = if error.is_data() { "data of an unexpected type".to_owned() } else { error.to_string() };
    let what = what.split_once(" at line ").map_or(what.as_str(), |(what, _)| what);
    format!("{file}:{}:{}: {what}", lines_before + error.line(), error.column())
}

/// Where each JSON document stands, and what follows the last good one.
fn split_json(text: &str) -> (Vec<Range<usize>>, Option<serde_json::Error>) {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    loop {
        let start = stream.byte_offset();
        match stream.next() {
            None => return (documents, None),
            Some(Ok(_)) => documents.push(start..stream.byte_offset()),
            Some(Err(error)) => return (documents, Some(error)),
        }
    }
}

/// Adds one JSON document. The items of a list are read one by one: as values, all of a large dump would take ten
/// times its size.
fn add_json(
    document: &str,
    lines_before: usize,
    file: &str,
    builder: &mut SnapshotBuilder,
) -> Result<(), String> {
    let place = Place::file(file).at(lines_before + 1);
    let fail = |error: &serde_json::Error| json_error(file, lines_before, error);

    let mut shape = serde_json::Deserializer::from_str(document);
    let head = match Shape.deserialize(&mut shape).map_err(|error| fail(&error))? {
        Outline::Fields(fields, items) => ListHead::read(&fields, items),
        Outline::List => {
            let mut add = |value| builder.add(value, Place::file(file)); // whose line is not known
            let mut items = serde_json::Deserializer::from_str(document);
            return Items(&mut add).deserialize(&mut items).map_err(|error| fail(&error));
        }
        Outline::Other => None,
    };
    let Some(head) = head else {
        builder.add(serde_json::from_str(document).map_err(|error| fail(&error))?, place);
        return Ok(());
    };
    let mut list = builder.list(head, place.clone());
    let mut add = |item| list.item(item, Place::file(file)); // whose line is not known
    let mut items = serde_json::Deserializer::from_str(document);
    let result = ItemsField(&mut add).deserialize(&mut items).map_err(|error| fail(&error));
    if result.is_err() {
        list.torn();
    }
    list.end();
    result
}

/// What a document is, found without keeping it.
enum Outline {
    /// A map: its fields without `items`, and whether there are items in a list.
    Fields(Map<String, Value>, bool),
    List,
    Other,
}

struct Shape;

impl<'de> DeserializeSeed<'de> for Shape {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Shape {
    type Value = Outline;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let (mut fields, mut items) = (Map::new(), false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" | "kind" | "metadata" | "takenAt" | "fluxlayers" => {
                    drop(fields.insert(key, map.next_value()?))
                }
                "items" => {
                    items = matches!(map.next_value_seed(Shape)?, Outline::List);
                    if !items {
                        fields.insert(key, Value::Bool(false)); // something else, which makes it no list
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Outline::Fields(fields, items))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Outline, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::List)
    }

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::List) // `items: null` is an empty list, and `null` an empty document
    }

    fn visit_bool<E>(self, _: bool) -> Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Outline, E> {
        Ok(Outline::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Outline, E> {
        Ok(Outline::Other)
    }
}

/// Hands on the elements of a list.
struct Items<'add>(&'add mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Hands on the elements of a map's `items`.
struct ItemsField<'add>(&'add mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for ItemsField<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ItemsField<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                map.next_value_seed(Items(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Adds one YAML document, the items of a list one by one; gives back what is wrong with single items.
fn add_yaml(
    document: &mut Document<'_>,
    file: &Place,
    builder: &mut SnapshotBuilder,
) -> Result<Vec<YamlError>, YamlError> {
    let mut errors = Vec::new();
    if document.is_null() {
        return Ok(errors);
    }
    let root = document.root();
    let place = file.at(document.line(root));
    if let Some(head) = list_head(document)? {
        let mut list = builder.list(head, place);
        for item in nodes(document, document.get(root, "items")) {
            let place = file.at(document.line(item));
            match document.value(item) {
                Ok(value) => list.item(value, place),
                Err(error) => {
                    list.torn();
                    errors.push(error);
                }
            }
        }
        list.end();
    } else if document.items(root).is_some() {
        for item in nodes(document, Some(root)) {
            let place = file.at(document.line(item));
            match document.value(item) {
                Ok(value) => builder.add(value, place),
                Err(error) => errors.push(error),
            }
        }
    } else {
        builder.add(document.value(root)?, place);
    }
    Ok(errors)
}

pub(super) fn nodes(document: &Document<'_>, list: Option<NodeId>) -> Vec<NodeId> {
    list.and_then(|list| document.items(list)).unwrap_or_default().to_vec()
}

pub(super) fn list_head(document: &mut Document<'_>) -> Result<Option<ListHead>, YamlError> {
    let root = document.root();
    let mut fields = Map::new();
    for name in ["apiVersion", "kind", "metadata", "takenAt", "fluxlayers"] {
        if let Some(node) = document.get(root, name) {
            fields.insert(name.to_owned(), document.value(node)?);
        }
    }
    let mut has_items = false;
    if let Some(items) = document.get(root, "items") {
        has_items = document.items(items).is_some() || document.value(items)?.is_null();
        if !has_items {
            fields.insert("items".to_owned(), Value::Bool(false)); // something else, which makes it no list
        }
    }
    Ok(ListHead::read(&fields, has_items))
}

/// One object that a repository declares, or a kustomization file. Without `Debug`: it may be a Secret.
pub(super) struct Manifest {
    /// The object.
    pub(super) value: Value,
    /// Where it is declared.
    pub(super) place: Place,
}

/// Flux objects and configuration of kustomize in one file, lists opened, and what could not be read.
pub(super) fn parse_manifests(text: &str, file: &str) -> (Vec<Manifest>, Vec<String>) {
    let (mut manifests, mut errors) = (Vec::new(), Vec::new());
    for document in yaml::documents(text) {
        if let Err(error) = document.and_then(|mut document| add_manifests(&mut document, file, &mut manifests))
        {
            errors.push(yaml_error(file, &error));
        }
    }
    (manifests, errors)
}

fn add_manifests(
    document: &mut Document<'_>,
    file: &str,
    manifests: &mut Vec<Manifest>,
) -> Result<(), YamlError> {
    if document.is_null() {
        return Ok(());
    }
    let root = document.root();
    let candidates = match list_head(document)? {
        None => vec![root],
        Some(_) => nodes(document, document.get(root, "items")),
    };
    for node in candidates {
        // The others are not even read: most of a repository is neither, and some of it is secret.
        let group = document.get(node, "apiVersion").and_then(|version| document.text(version));
        if group
            .is_some_and(|group| !group.contains("fluxcd.") && !group.starts_with("kustomize.config.k8s.io/"))
        {
            continue;
        }
        let entries = document.get(node, "spec").and_then(|spec| document.get(spec, "dependsOn"));
        let lines = nodes(document, entries).into_iter().map(|entry| document.line(entry));
        let declared = Some(Declared { dependency_lines: lines.collect() });
        let place = Place { file: file.to_owned(), line: Some(document.line(node)), declared };
        manifests.push(Manifest { value: document.value(node)?, place });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn decompression_ends_at_the_limit() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&[b' '; 1000]).unwrap();
        let bomb = gzip.finish().unwrap();
        assert_eq!(gunzip(&bomb, 1000).map(|plain| plain.len()), Ok(1000));
        assert_eq!(gunzip(&bomb, 999), Err("holds more than 512 MiB".to_owned()));
        assert_eq!(gunzip(&[&bomb[..], &bomb].concat(), 1999), Err("holds more than 512 MiB".to_owned()));
    }

    #[test]
    fn json_documents_know_their_lines() {
        let mut builder = SnapshotBuilder::new();
        let object = "{\"apiVersion\":\"kustomize.toolkit.fluxcd.io/v1\",\n\"kind\":\"Kustomization\"}";
        let text = format!("{object}\n\n  {object}{object}");
        assert_eq!(parse_dump(text.as_bytes(), "x", &mut builder), Outcome { documents: 3, errors: vec![] });
        let warnings = builder.finish(String::new(), None).warnings;
        let lines: Vec<_> = warnings.iter().map(|warning| warning.text.split(' ').next().unwrap()).collect();
        assert_eq!(lines, ["x:1:", "x:4:", "x:5:"]);
    }

    #[test]
    fn of_json_documents_that_are_parted_a_broken_one_costs_the_others_nothing() {
        let object = |name: &str| {
            format!("{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"{name}\"}}}}\n")
        };
        for broken in ["a: [\n", "{\"a\": [\n", "{\"a\" 1}\n"] {
            for text in [
                format!("{}---\n{broken}---\n{}", object("a"), object("b")),
                format!("{broken}---\n{}---\n{}", object("a"), object("b")),
                format!("{}---\n{}---\n{broken}", object("a"), object("b")),
            ] {
                let mut builder = SnapshotBuilder::new();
                let outcome = parse_dump(text.as_bytes(), "x", &mut builder);
                assert_eq!((outcome.documents, outcome.errors.len()), (2, 1), "{text}\n{outcome:?}");
                let found = builder.finish(String::new(), None).evidence.namespaces;
                assert_eq!(found.into_keys().collect::<Vec<_>>(), ["a", "b"], "{text}");
            }
        }
    }

    #[test]
    fn an_item_of_a_json_list_has_no_line_and_claims_none() {
        let mut builder = SnapshotBuilder::new();
        let list = "{\"apiVersion\":\"v1\",\"kind\":\"List\",\n\"items\":[\n{\"apiVersion\":\"kustomize.toolkit.fluxcd.io/v1\",\
                    \"kind\":\"Kustomization\"}]}";
        parse_dump(list.as_bytes(), "x", &mut builder);
        assert_eq!(
            builder.finish(String::new(), None).warnings[0].text,
            "x: Kustomization without metadata.name"
        );
    }

    #[test]
    fn json_nested_too_deep_is_an_error() {
        let mut builder = SnapshotBuilder::new();
        let deep = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}",
            "[".repeat(9_000) + &"]".repeat(9_000)
        );
        let outcome = parse_dump(deep.as_bytes(), "x", &mut builder);
        assert!(
            matches!(&outcome.errors[..], [error] if error.ends_with("recursion limit exceeded")),
            "{outcome:?}"
        );
    }
}
