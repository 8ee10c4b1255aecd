//! Evaluation with the `cel` crate, over the part of an object that the model keeps.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use cel::{Context, Env, Program, Value as Cel};
use serde_json::{Map, Value, json};

use super::certain::paths;
use super::{Judged, Node};
use crate::foreign::clean;
use crate::model::{Condition, GroupKind, Spec};

/// Longer and deeper expressions are left to the controller: the parser has a limit of its own and comes to it late, with
/// a frame on the stack for every rule of the grammar.
const LONGEST: usize = 800;
const DEEPEST: usize = 6;

/// Evaluates expressions; each text is read once, however many objects have it.
pub struct Expressions {
    env: Arc<Env>,
    read: RefCell<BTreeMap<String, Rc<Result<Compiled, String>>>>,
}

struct Compiled {
    program: Program,
    /// What it looks at.
    paths: Vec<String>,
}

impl Default for Expressions {
    fn default() -> Self {
        Self { env: Arc::new(Env::stdlib()), read: RefCell::default() }
    }
}

impl Expressions {
    /// Evaluates an expression of `dependent` over `dependency`.
    pub fn judge(&self, expression: &str, dependent: &Node, dependency: &Node) -> Judged {
        let known = self.read.borrow().get(expression).cloned();
        let compiled = known.unwrap_or_else(|| {
            let compiled = Rc::new(self.compile(expression));
            self.read.borrow_mut().insert(expression.to_owned(), Rc::clone(&compiled));
            compiled
        });
        let judged = match &*compiled {
            Ok(compiled) => self.evaluate(compiled, dependent, dependency),
            Err(why) => Err(why.clone()),
        };
        judged.unwrap_or_else(Judged::Unknown)
    }

    fn compile(&self, expression: &str) -> Result<Compiled, String> {
        if expression.len() > LONGEST || depth(expression) > DEEPEST {
            return Err("the expression is too long".to_owned());
        }
        let program = self.env.compile(expression).map_err(|_| "the expression does not parse".to_owned())?;
        Ok(Compiled { paths: paths(program.expression())?, program })
    }

    fn evaluate(&self, compiled: &Compiled, dependent: &Node, dependency: &Node) -> Result<Judged, String> {
        let (dep, own) = (seen_by_controller(dependency)?, seen_by_controller(dependent)?);
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.add_variable_from_value("dep", to_cel(&dep));
        context.add_variable_from_value("self", to_cel(&own));
        match compiled.program.execute(&context) {
            Ok(Cel::Bool(true)) => Ok(Judged::True),
            Ok(Cel::Bool(false)) => {
                let value = |path: &String| {
                    let root = if path.starts_with("dep.") { &dep } else { &own };
                    (
                        path.clone(),
                        found(root, path).map_or_else(|| "absent".to_owned(), |value| told(path, value)),
                    )
                };
                Ok(Judged::False(compiled.paths.iter().map(value).collect()))
            }
            Ok(_) => Err("it gives no true or false".to_owned()),
            Err(error) => Err(clean(&error.to_string())),
        }
    }
}

/// How deep brackets and conditions may nest; those in a text count as well.
fn depth(expression: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for char in expression.chars() {
        match char {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest + expression.matches('?').count()
}

/// The kept part of an object as the controllers see it: typed Go structs, in which an empty optional field is absent.
fn seen_by_controller(node: &Node) -> Result<Value, String> {
    if node.unreadable || !node.live || matches!(node.spec, Spec::ResourceSet) {
        return Err(format!("{} is not known as the controller sees it", node.key));
    }
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), node.key.name.as_str().into());
    metadata.insert("namespace".to_owned(), node.key.namespace.as_str().into());
    if node.meta.generation != 0 {
        metadata.insert("generation".to_owned(), node.meta.generation.into());
    }
    if !node.meta.labels.is_empty() {
        metadata.insert("labels".to_owned(), json!(node.meta.labels));
    }
    let mut spec = Map::new();
    if node.suspended {
        spec.insert("suspend".to_owned(), true.into());
    }
    let mut status = Map::new();
    let own = &node.status;
    if let Some(observed) = own.observed_generation.filter(|observed| *observed != 0) {
        status.insert("observedGeneration".to_owned(), observed.into());
    }
    if !own.conditions.0.is_empty() {
        status.insert("conditions".to_owned(), own.conditions.0.iter().map(condition).collect());
    }
    // helm-controller writes the first of these no more, and old objects may still have it
    let applied = own.last_applied_revision.as_ref().filter(|_| node.key.kind == GroupKind::KUSTOMIZATION);
    let attempted = own.last_attempted_revision.as_ref();
    for (name, revision) in [("lastAppliedRevision", applied), ("lastAttemptedRevision", attempted)] {
        status.extend(revision.map(|revision| (name.to_owned(), revision.0.as_str().into())));
    }
    let handled = own.last_handled_reconcile_at.as_ref();
    status.extend(handled.map(|at| ("lastHandledReconcileAt".to_owned(), at.as_str().into())));
    Ok(json!({"metadata": metadata, "spec": spec, "status": status}))
}

fn condition(condition: &Condition) -> Value {
    let mut fields = Map::new();
    fields.insert("type".to_owned(), condition.kind.as_str().into());
    fields.insert("status".to_owned(), condition.status.as_str().into());
    fields.insert("reason".to_owned(), condition.reason.as_str().into());
    let since = condition.since.map(|since| since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    fields.insert("lastTransitionTime".to_owned(), since.map_or(Value::Null, Value::String));
    if let Some(observed) = condition.observed_generation.filter(|observed| *observed != 0) {
        fields.insert("observedGeneration".to_owned(), observed.into());
    }
    Value::Object(fields)
}

/// Integers of JSON as those of CEL; there is nothing else than these kinds of values in what is kept.
fn to_cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(bool) => Cel::Bool(*bool),
        Value::Number(number) => number.as_i64().map_or(Cel::Null, Cel::Int),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(to_cel).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), to_cel(value)));
            fields.collect::<HashMap<String, Cel>>().into()
        }
    }
}

/// What stands at a path; `None` where nothing does.
fn found<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    // A label's name may hold dots.
    let labels = path.split_once(".metadata.labels.").map(|(_, name)| name);
    match labels {
        Some(name) => root["metadata"]["labels"].get(name),
        None => path.split('.').skip(1).try_fold(root, |at, name| at.get(name)),
    }
}

fn told(path: &str, value: &Value) -> String {
    match value {
        Value::Array(items) if path.ends_with(".conditions") => {
            let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
            let items = items.iter().map(|item| format!("{}={}", text(item, "type"), text(item, "status")));
            items.collect::<Vec<_>>().join(", ")
        }
        Value::String(text) => format!("'{}'", clean(text)),
        value => clean(&value.to_string()),
    }
}
