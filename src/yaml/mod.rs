//! YAML as the controllers read it: text in, documents with lines out.
//!
//! A document is a tree that knows its places and borrows from the text; [`Document::value`] gives what Go would
//! see in it. Pure: the text comes from `repo`. What the values mean is left to `wire`.

mod scalar;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

use scalar::{Scalar, Tag};

/// Nodes that aliases may add to one document before it counts as an alias bomb.
const MAX_ALIASED_NODES: usize = 250_000;

/// Deepest nesting that is read; serde_json and the parser stop at similar depths.
const MAX_DEPTH: usize = 255;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// Line, the first one being 1.
    pub line: usize,
    /// Column in characters, the first one being 1.
    pub column: usize,
    /// A lower-case fragment that quotes no value.
    pub message: String,
}

/// One node of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u32);

#[derive(Debug)]
enum Content<'text> {
    Scalar(Cow<'text, str>, bool, Tag),
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
    Alias(NodeId),
}

#[derive(Debug)]
struct Node<'text> {
    content: Content<'text>,
    line: u32,
    column: u32,
}

/// One document of a YAML stream, as a tree whose nodes know their lines.
pub struct Document<'text> {
    nodes: Vec<Node<'text>>,
    root: NodeId,
    aliased_nodes_left: usize,
}

impl fmt::Debug for Document<'_> {
    /// Says how large it is and no more: it may hold a Secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} nodes)", self.nodes.len())
    }
}

/// Reads a stream document by document; a broken one is an error, and the next `---` starts afresh.
///
/// Files with nothing but comments have no documents, and an empty document is a null one.
pub fn documents(text: &str) -> Documents<'_> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    options.block_scalar_eof_without_line_feed = true; // as go-yaml does
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Documents { parser: Parser::new_from_str_with_options(text, options), finished: false }
}

/// Iterator over the documents of one text, see [`documents`].
pub struct Documents<'text> {
    parser: Parser<'text, StrInput<'text>>,
    finished: bool,
}

impl<'text> Iterator for Documents<'text> {
    type Item = Result<Document<'text>, YamlError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut tree = Tree::default();
        while !self.finished {
            let error = match self.parser.next_event() {
                None | Some(Ok((Event::StreamEnd, _))) => {
                    self.finished = true;
                    break;
                }
                Some(Ok((Event::DocumentStart(..), _))) => {
                    tree = Tree::default();
                    continue;
                }
                Some(Ok((Event::DocumentEnd, _))) => match tree.finish() {
                    Some(document) => return Some(Ok(document)),
                    None => {
                        tree = Tree::default();
                        continue;
                    }
                },
                Some(Ok((event, span))) => match tree.take(event, span.start.line(), span.start.col()) {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Some(Err(error)) => YamlError {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                    message: error.info(),
                },
            };
            // Another failure on the way to the next document leaves nothing to go on with.
            self.finished = !matches!(self.parser.proceed_next_document(), Ok(true));
            return Some(Err(error));
        }
        None
    }
}

/// Takes events and builds one document.
#[derive(Default)]
struct Tree<'text> {
    nodes: Vec<Node<'text>>,
    /// Collections that are not closed yet, each with a key that waits for its value.
    open: Vec<(NodeId, Option<NodeId>)>,
    anchors: BTreeMap<usize, NodeId>,
    root: Option<NodeId>,
}

impl<'text> Tree<'text> {
    fn take(&mut self, event: Event<'text>, line: usize, column: usize) -> Result<(), YamlError> {
        let (content, anchor, collection) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map_or(Tag::None, |tag| match tag.core_suffix() {
                    Some("str") => Tag::Text,
                    Some("int") => Tag::Int,
                    Some("float") => Tag::Float,
                    Some("bool") => Tag::Bool,
                    Some("null") => Tag::Null,
                    Some("binary") => Tag::Binary,
                    _ => Tag::Other,
                });
                (Content::Scalar(text, style == ScalarStyle::Plain, tag), anchor, false)
            }
            Event::SequenceStart(_, anchor, _) => (Content::Sequence(Vec::new()), anchor, true),
            Event::MappingStart(_, anchor, _) => (Content::Mapping(Vec::new()), anchor, true),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                match target {
                    Some(target) if !self.open.iter().any(|(open, _)| *open == target) => {
                        (Content::Alias(target), 0, false)
                    }
                    Some(_) => return Err(error(line, column, "an anchor's value contains itself")),
                    None => return Err(error(line, column, "an alias refers to an unknown anchor")),
                }
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.open.pop();
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Ok(index) = u32::try_from(self.nodes.len()) else {
            return Err(error(line, column, "the document is too large"));
        };
        let id = NodeId(index);
        self.nodes.push(Node { content, line: small(line), column: small(column) });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.root = Some(id),
            Some((parent, key)) => match &mut self.nodes[parent.0 as usize].content {
                Content::Sequence(items) => items.push(id),
                Content::Mapping(entries) => match key.take() {
                    Some(key) => entries.push((key, id)),
                    None => *key = Some(id),
                },
                Content::Scalar(..) | Content::Alias(_) => {}
            },
        }
        if collection {
            self.open.push((id, None));
        }
        Ok(())
    }

    fn finish(self) -> Option<Document<'text>> {
        let aliased_nodes_left = MAX_ALIASED_NODES;
        Some(Document { nodes: self.nodes, root: self.root?, aliased_nodes_left })
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn error(line: usize, column: usize, message: impl Into<String>) -> YamlError {
    YamlError { line, column: column + 1, message: message.into() }
}

impl Document<'_> {
    /// The node that holds all others.
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// Line of a node, for a mapping that of its first key.
    pub fn line(&self, node: NodeId) -> usize {
        self.node(node).line as usize
    }

    /// Whether there is nothing in the document.
    pub fn is_null(&self) -> bool {
        matches!(&self.node(self.root).content, Content::Scalar(text, true, Tag::None) if is_null(text))
    }

    /// Value of a key, through aliases but not through merge keys; the last one where a key stands twice.
    pub fn get(&self, node: NodeId, key: &str) -> Option<NodeId> {
        let Content::Mapping(entries) = &self.target(node).content else { return None };
        entries.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }

    /// Text of a scalar as it is written, through aliases; `None` for anything else.
    pub fn text(&self, node: NodeId) -> Option<&str> {
        match &self.target(node).content {
            Content::Scalar(text, ..) => Some(text),
            _ => None,
        }
    }

    /// Items of a sequence, through aliases; `None` for anything else.
    pub fn items(&self, node: NodeId) -> Option<&[NodeId]> {
        match &self.target(node).content {
            Content::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// What Go sees: merge keys merged, keys as text, plain scalars resolved.
    ///
    /// As sigs.k8s.io/yaml 1.6 in its lenient mode: where a key stands twice, the last one wins, and a merge key
    /// overrides the keys above it. Fails on numbers that JSON cannot hold, on keys that are no scalars, on a wrong
    /// tag, beyond a nesting of 255, and when aliases multiply (one bound for the whole document).
    pub fn value(&mut self, node: NodeId) -> Result<Value, YamlError> {
        let mut left = self.aliased_nodes_left;
        let value = self.convert(node, 0, false, &mut left);
        self.aliased_nodes_left = left;
        value
    }

    fn node(&self, node: NodeId) -> &Node<'_> {
        &self.nodes[node.0 as usize]
    }

    fn target(&self, node: NodeId) -> &Node<'_> {
        match &self.node(node).content {
            Content::Alias(target) => self.node(*target), // never an alias itself: YAML forbids `&a *b`
            _ => self.node(node),
        }
    }

    fn fail<T>(&self, node: NodeId, message: impl Into<String>) -> Result<T, YamlError> {
        let node = self.node(node);
        Err(error(node.line as usize, node.column as usize, message))
    }

    // Recursive, and bounded by MAX_DEPTH.
    fn convert(&self, id: NodeId, depth: usize, aliased: bool, left: &mut usize) -> Result<Value, YamlError> {
        if depth > MAX_DEPTH {
            return self.fail(id, format!("nested deeper than {MAX_DEPTH}"));
        }
        if aliased {
            let Some(fewer) = left.checked_sub(1) else {
                return self.fail(id, format!("aliases expand to more than {MAX_ALIASED_NODES} nodes"));
            };
            *left = fewer;
        }
        Ok(match &self.node(id).content {
            Content::Alias(target) => self.convert(*target, depth, true, left)?,
            Content::Scalar(text, plain, tag) => match self.resolve(id, text, *plain, *tag)? {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => value.into(),
                Scalar::Int(value) => value.into(),
                Scalar::Unsigned(value) => value.into(),
                Scalar::Text(value) => value.into(),
                Scalar::Float(value) => match serde_json::Number::from_f64(value) {
                    Some(number) => number.into(),
                    None => return self.fail(id, "JSON has no infinity and no NaN"),
                },
            },
            Content::Sequence(items) => {
                let mut array = Vec::with_capacity(items.len());
                for item in items {
                    array.push(self.convert(*item, depth + 1, aliased, left)?);
                }
                array.into()
            }
            Content::Mapping(entries) => {
                let mut object = Map::new();
                for (key, value) in entries {
                    if self.is_merge(*key) {
                        self.merge(*value, depth, aliased, left, &mut object)?;
                    } else {
                        let key = self.key(*key)?;
                        object.insert(key, self.convert(*value, depth + 1, aliased, left)?);
                    }
                }
                object.into()
            }
        })
    }

    fn merge(
        &self,
        id: NodeId,
        depth: usize,
        aliased: bool,
        left: &mut usize,
        object: &mut Map<String, Value>,
    ) -> Result<(), YamlError> {
        match self.convert(id, depth + 1, aliased, left)? {
            Value::Object(merged) => object.extend(merged),
            // From the last to the first: the first map that has a key gives its value.
            Value::Array(maps) if !matches!(self.node(id).content, Content::Alias(_)) => {
                for map in maps.into_iter().rev() {
                    let Value::Object(merged) = map else {
                        return self.fail(id, "a merge key needs a map or a list of maps");
                    };
                    object.extend(merged);
                }
            }
            _ => return self.fail(id, "a merge key needs a map or a list of maps"),
        }
        Ok(())
    }

    fn is_merge(&self, key: NodeId) -> bool {
        matches!(&self.node(key).content, Content::Scalar(text, true, Tag::None) if text == "<<")
    }

    fn key(&self, id: NodeId) -> Result<String, YamlError> {
        let Content::Scalar(text, plain, tag) = &self.target(id).content else {
            return self.fail(id, "a key is no scalar");
        };
        Ok(match self.resolve(id, text, *plain, *tag)? {
            Scalar::Text(key) => key,
            Scalar::Bool(key) => key.to_string(),
            Scalar::Int(key) => key.to_string(),
            Scalar::Unsigned(key) => key.to_string(),
            Scalar::Float(key) if key == f64::INFINITY => ".inf".to_owned(),
            Scalar::Float(key) if key == f64::NEG_INFINITY => "-.inf".to_owned(),
            Scalar::Float(key) if key.is_nan() => ".nan".to_owned(),
            Scalar::Float(key) => (key as f32).to_string(), // as Go, which keeps 32 bits of it
            Scalar::Null => return self.fail(id, "a key is null"),
        })
    }

    fn resolve(&self, id: NodeId, text: &str, plain: bool, tag: Tag) -> Result<Scalar, YamlError> {
        scalar::resolve(text, plain, tag).or_else(|message| self.fail(id, message))
    }
}

fn is_null(text: &str) -> bool {
    matches!(scalar::resolve(text, true, Tag::None), Ok(Scalar::Null))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<Result<Value, String>> {
        documents(text)
            .map(|document| {
                let mut document = document.map_err(|error| error.to_string())?;
                document.value(document.root()).map_err(|error| error.to_string())
            })
            .collect()
    }

    fn one(text: &str) -> Value {
        let mut values = read(text);
        assert_eq!(values.len(), 1, "{text}");
        values.remove(0).unwrap()
    }

    /// Texts and answers of sigs.k8s.io/yaml 1.6.0.
    #[test]
    fn documents_mean_what_they_mean_to_go() {
        for (text, value) in [
            ("b:\n  x: 9\n  <<: {x: 1, z: 2}\n", json!({"b": {"x": 1, "z": 2}})),
            ("b:\n  <<: {x: 1, z: 2}\n  x: 9\n", json!({"b": {"x": 9, "z": 2}})),
            (
                "a: &a {x: 1}\nc: &c {x: 2, z: 3}\nb:\n  <<: [*a, *c]\n",
                json!({"a": {"x": 1}, "c": {"x": 2, "z": 3}, "b": {"x": 1, "z": 3}}),
            ),
            ("b:\n  <<: {x: 1}\n  <<: {x: 2, z: 3}\n", json!({"b": {"x": 2, "z": 3}})),
            ("b:\n  \"<<\": {x: 1}\n", json!({"b": {"<<": {"x": 1}}})),
            ("a: 1\na: 2\n", json!({"a": 2})),
            ("a: &x 1\nb: &x 2\nc: *x\n", json!({"a": 1, "b": 2, "c": 2})),
            ("1: a\n1.5: b\ntrue: c\n", json!({"1": "a", "1.5": "b", "true": "c"})),
            ("yes: 1\n", json!({"true": 1})),
            ("0x10: 1\n1e3: 1\n.inf: 1\n", json!({"16": 1, "1000": 1, ".inf": 1})),
            ("2026-11-24: 1\n", json!({"2026-11-24": 1})),
            ("a:\tb\n", json!({"a": "b"})),
            ("a: |\n  x", json!({"a": "x"})),
            ("a: |\n  x\n", json!({"a": "x\n"})),
            ("- 1\n", json!([1])),
            ("foo\n", json!("foo")),
        ] {
            assert_eq!(one(text), value, "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_with_its_place() {
        for (text, message) in [
            ("x: 1\na: .inf\n", "line 2, column 4: JSON has no infinity and no NaN"),
            ("~: a\n", "line 1, column 1: a key is null"),
            ("? [a]\n: b\n", "line 1, column 3: a key is no scalar"),
            ("b:\n  <<: 3\n", "line 2, column 7: a merge key needs a map or a list of maps"),
            ("b: {<<: ~}\n", "line 1, column 9: a merge key needs a map or a list of maps"),
            ("a: &a [*a]\n", "line 1, column 8: an anchor's value contains itself"),
            ("a: !!int x\n", "line 1, column 10: a value is no !!int"),
        ] {
            assert_eq!(read(text), [Err(message.to_owned())], "{text}");
        }
        for text in
            ["a: *b\n", "a: [1,,2]\n", "a: @x\n", "a: `x`\n", "a: %x\n", "v: - 1\n", "a: [\n", "{{- if .x }}\n"]
        {
            assert!(matches!(&read(text)[..], [Err(_)]), "{text}: {:?}", read(text));
        }
    }

    #[test]
    fn a_broken_document_is_one_error_and_the_next_is_read() {
        let values = read("a: 1\n---\nb: [1\n---\nc: 3\n---\n~: x\n---\nd: 4\n");
        let kept: Vec<_> = values.iter().filter_map(|value| value.as_ref().ok()).collect();
        assert_eq!(kept, [&json!({"a": 1}), &json!({"c": 3}), &json!({"d": 4})]);
        let errors: Vec<_> = values.iter().filter_map(|value| value.as_ref().err()).collect();
        insta::assert_debug_snapshot!(errors, @r#"
        [
            "line 3, column 4: unclosed bracket '['",
            "line 7, column 1: a key is null",
        ]
        "#);
    }

    #[test]
    fn comments_and_empty_documents_hold_nothing() {
        assert_eq!(read(""), []);
        assert_eq!(read("# only a comment\n"), []);
        assert_eq!(read("\u{feff}# with a byte order mark\n"), []);
        for document in documents("---\n# nothing\n---\n~\n") {
            assert!(document.unwrap().is_null());
        }
    }

    #[test]
    fn lines_and_keys_are_found() {
        let text = "# top\nspec: &s\n  dependsOn:\n    - name: a\n\n    - name: b\nother: *s\n";
        let document = documents(text).next().unwrap().unwrap();
        let spec = document.get(document.root(), "other").unwrap();
        let entries = document.items(document.get(spec, "dependsOn").unwrap()).unwrap();
        let lines: Vec<_> = entries.iter().map(|entry| document.line(*entry)).collect();
        assert_eq!((document.line(document.root()), lines), (2, vec![4, 6]));
        assert_eq!(document.get(document.root(), "absent"), None);
    }

    #[test]
    fn an_alias_bomb_is_one_error() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let values = read(&text);
        assert!(
            matches!(&values[..], [Err(error)] if error.contains("aliases expand to more than")),
            "{values:?}"
        );
    }

    #[test]
    fn many_aliases_that_do_not_multiply_are_fine() {
        let mut text = "a: &a {x: 1}\nitems:\n".to_owned();
        text.push_str(&"- *a\n".repeat(20_000));
        assert_eq!(one(&text)["items"].as_array().unwrap().len(), 20_000);
    }

    #[test]
    fn nesting_has_an_end() {
        let mut chain = "- &a0 [x]\n".to_owned(); // each alias goes one deeper, the text itself stays flat
        for level in 1..2_000 {
            chain.push_str(&format!("- &a{level} [*a{}]\n", level - 1));
        }
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000), chain] {
            assert!(read(&text)[0].is_err());
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,12}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// YAML (and Go's reader) wants these escaped, JSON may leave them as they are.
    fn escape_control_characters(json: String) -> String {
        let escaped = json.chars().map(|c| match c {
            '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        });
        escaped.collect()
    }

    proptest! {
        #[test]
        fn json_reads_back_equal(value in any_json()) {
            let text = escape_control_characters(serde_json::to_string(&value).unwrap());
            prop_assert_eq!(one(&text), value.clone());
            let text = escape_control_characters(serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(one(&text), value);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), yaml in "([-?:,\\[\\]{}#&*!|>'\"%@` \n\tab0.<~]|--- ){0,60}") {
            for text in [text, yaml] {
                for mut document in documents(&text).flatten() {
                    let root = document.root();
                    let _ = (document.value(root), document.is_null(), document.get(root, "a"), document.line(root));
                }
            }
        }
    }
}
