//! `readyExpr` of a `dependsOn` entry, evaluated where nothing can come out otherwise than in the controllers. Pure.
//!
//! kustomize-controller and helm-controller give an expression two whole objects, `dep` and `self` (flux-semantics §3.3).
//! The model keeps a part of each, so an expression is judged only if all that it looks at is among that part and every
//! function that it calls is one of which both implementations are known to say the same. Of anything else the controller's
//! own words decide.

use crate::model::Node;

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// True.
    True,
    /// False, over these values: what was looked at, and what stood there.
    False(Vec<(String, String)>),
    /// It cannot be told here, for this reason.
    Unknown(String),
}

/// Evaluates an expression of `dependent` over `dependency`.
pub fn judge(expression: &str, dependent: &Node, dependency: &Node) -> Judged {
    Expressions::default().judge(expression, dependent, dependency)
}

#[cfg(feature = "cel")]
pub use evaluated::Expressions;

/// Evaluates expressions; this build does not.
#[cfg(not(feature = "cel"))]
#[derive(Debug, Default)]
pub struct Expressions {}

#[cfg(not(feature = "cel"))]
impl Expressions {
    /// Leaves it to the controller.
    pub fn judge(&self, _expression: &str, _dependent: &Node, _dependency: &Node) -> Judged {
        Judged::Unknown("this build evaluates no expressions".to_owned())
    }
}

#[cfg(feature = "cel")]
mod evaluated {
    use std::cell::RefCell;
    use std::collections::{BTreeMap, HashMap};
    use std::rc::Rc;
    use std::sync::Arc;

    use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};
    use cel::{Context, Env, Program, Value as Cel};
    use serde_json::{Map, Value, json};

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
            let program =
                self.env.compile(expression).map_err(|_| "the expression does not parse".to_owned())?;
            let mut reader = Reader { scope: Vec::new(), paths: Vec::new(), depth: 0 };
            reader.shape(program.expression())?;
            Ok(Compiled { paths: reader.paths, program })
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

    /// What stands somewhere in an object, as far as the model keeps all of it.
    #[derive(Clone, Copy, Debug)]
    enum Shape {
        Record(&'static [(&'static str, Shape)]),
        List(&'static Shape),
        /// Names and values that anybody may choose.
        Map,
        Scalar,
        /// The result of an operator or a function.
        Computed,
    }

    const CONDITION: Shape = Shape::Record(&[
        ("type", Shape::Scalar),
        ("status", Shape::Scalar),
        ("reason", Shape::Scalar),
        ("observedGeneration", Shape::Scalar),
        ("lastTransitionTime", Shape::Scalar),
    ]);

    /// The fields that both kinds have here. A condition's message is none of them: credentials are taken out of it.
    const OBJECT: Shape = Shape::Record(&[
        (
            "metadata",
            Shape::Record(&[
                ("name", Shape::Scalar),
                ("namespace", Shape::Scalar),
                ("generation", Shape::Scalar),
                ("labels", Shape::Map),
            ]),
        ),
        ("spec", Shape::Record(&[("suspend", Shape::Scalar)])),
        (
            "status",
            Shape::Record(&[
                ("observedGeneration", Shape::Scalar),
                ("conditions", Shape::List(&CONDITION)),
                ("lastAppliedRevision", Shape::Scalar),
                ("lastAttemptedRevision", Shape::Scalar),
                ("lastHandledReconcileAt", Shape::Scalar),
            ]),
        ),
    ]);

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

    /// Walks an expression, and refuses what is not certain.
    struct Reader {
        /// Variables of comprehensions, the innermost last.
        scope: Vec<(String, Shape)>,
        /// What it looks at in `dep` and `self`, in order, each once.
        paths: Vec<String>,
        /// Expressions around the present one.
        depth: usize,
    }

    impl Reader {
        // Recursive, and no deeper than this.
        fn shape(&mut self, expression: &IdedExpr) -> Result<Shape, String> {
            if self.depth == 40 {
                return Err("the expression is too long".to_owned());
            }
            self.depth += 1;
            let shape = self.shape_of(expression);
            self.depth -= 1;
            shape
        }

        fn shape_of(&mut self, expression: &IdedExpr) -> Result<Shape, String> {
            let Some(path) = path(&expression.expr) else { return self.shape_of_any(expression) };
            // The whole of a path is noted, not each part of it.
            let noted = self.paths.len();
            let shape = self.shape_of_any(expression);
            self.paths.truncate(noted);
            if !self.paths.contains(&path) {
                self.paths.push(path);
            }
            shape
        }

        fn shape_of_any(&mut self, expression: &IdedExpr) -> Result<Shape, String> {
            match &expression.expr {
                Expr::Ident(name) => self.root(name).or_else(|| object(name)).ok_or(format!("it uses {name}")),
                Expr::Literal(literal) => match literal {
                    LiteralValue::Boolean(_)
                    | LiteralValue::Int(_)
                    | LiteralValue::String(_)
                    | LiteralValue::Null => Ok(Shape::Computed),
                    _ => Err("it uses a kind of value that is not evaluated here".to_owned()),
                },
                Expr::Select(select) => {
                    let of = self.shape(&select.operand)?;
                    let found = field(of, &select.field)?;
                    Ok(if select.test { Shape::Computed } else { found })
                }
                Expr::Call(call) => self.call(call),
                Expr::Comprehension(comprehension) => self.comprehension(comprehension),
                Expr::List(list) if list.optional_indices.is_empty() => {
                    list.elements.iter().try_for_each(|element| self.value(element))?;
                    Ok(Shape::Computed)
                }
                Expr::Map(map) => {
                    for entry in &map.entries {
                        let EntryExpr::MapEntry(entry) = &entry.expr else {
                            return Err("it makes an object".to_owned());
                        };
                        self.value(&entry.key)?;
                        self.value(&entry.value)?;
                    }
                    Ok(Shape::Computed)
                }
                Expr::Unspecified | Expr::Struct(_) | Expr::List(_) => Err("it makes an object".to_owned()),
            }
        }

        fn root(&self, name: &str) -> Option<Shape> {
            self.scope.iter().rev().find(|(known, _)| known == name).map(|(_, shape)| *shape)
        }

        /// Something that is compared, handed on or counted: part of an object would be more than is kept of it.
        fn value(&mut self, expression: &IdedExpr) -> Result<(), String> {
            match self.shape(expression)? {
                Shape::Scalar | Shape::Computed => Ok(()),
                Shape::Map => Ok(()),
                Shape::Record(_) | Shape::List(_) => Err("it compares a whole part of an object".to_owned()),
            }
        }

        fn call(&mut self, call: &CallExpr) -> Result<Shape, String> {
            const OPERATORS: [&str; 13] = [
                "_?_:_", "_&&_", "_||_", "!_", "_==_", "_!=_", "_>=_", "_<=_", "_>_", "_<_", "@in", "_+_",
                "_-_",
            ];
            const METHODS: [&str; 3] = ["startsWith", "endsWith", "contains"];
            match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
                ("_[_]", None, [of, at]) => match self.shape(of)? {
                    Shape::List(element) => self.value(at).map(|()| *element),
                    Shape::Map => self.value(at).map(|()| Shape::Scalar),
                    shape => match &at.expr {
                        Expr::Literal(LiteralValue::String(name)) => field(shape, name.inner()),
                        _ => Err("it looks into an object by a name that it makes".to_owned()),
                    },
                },
                ("@not_strictly_false", None, [of]) => self.shape(of),
                ("size", None, [of]) => self.counted(of),
                ("size", Some(of), []) => self.counted(of),
                (name, None, arguments) if OPERATORS.contains(&name) => {
                    arguments.iter().try_for_each(|argument| self.value(argument))?;
                    Ok(Shape::Computed)
                }
                (name, Some(target), [argument]) if METHODS.contains(&name) => {
                    self.value(target)?;
                    self.value(argument)?;
                    Ok(Shape::Computed)
                }
                (name, ..) => Err(format!("{name} is not evaluated here")),
            }
        }

        fn counted(&mut self, of: &IdedExpr) -> Result<Shape, String> {
            match self.shape(of)? {
                Shape::Record(_) => Err("it counts the fields of an object".to_owned()),
                _ => Ok(Shape::Computed),
            }
        }

        /// `all`, `exists`, `exists_one`, `filter` and `map` over a list; a map's order is nobody's.
        fn comprehension(&mut self, it: &ComprehensionExpr) -> Result<Shape, String> {
            let range = self.shape(&it.iter_range)?;
            let Shape::List(element) = range else {
                return Err("it goes through something that is no list of an object".to_owned());
            };
            if it.iter_var2.is_some() {
                return Err("it goes through a list with two variables".to_owned());
            }
            let collects = matches!(&it.accu_init.expr, Expr::List(list) if list.elements.is_empty());
            if !collects {
                self.value(&it.accu_init)?;
            }
            let before = self.scope.len();
            self.scope.push((it.accu_var.clone(), Shape::Computed));
            self.scope.push((it.iter_var.clone(), *element));
            let walked = match collects {
                true => self.collected(it),
                false => self.shape(&it.loop_cond).and_then(|_| self.shape(&it.loop_step)).map(|_| false),
            };
            let result = walked.and_then(|whole| self.shape(&it.result).map(|_| whole));
            self.scope.truncate(before);
            Ok(if result? { range } else { Shape::Computed })
        }

        /// The step of `filter` or `map`: `test ? accu + [x] : accu`, or `accu + [x]`. Whether it collects elements as they
        /// are.
        fn collected(&mut self, it: &ComprehensionExpr) -> Result<bool, String> {
            let odd = || "it collects in a way that is not evaluated here".to_owned();
            let add = match &it.loop_step.expr {
                Expr::Call(call) if call.func_name == "_?_:_" => {
                    let [test, add, _] = call.args.as_slice() else { return Err(odd()) };
                    self.value(test)?;
                    add
                }
                _ => &it.loop_step,
            };
            let Expr::Call(call) = &add.expr else { return Err(odd()) };
            let (true, [_, added]) = (call.func_name == "_+_", call.args.as_slice()) else { return Err(odd()) };
            let Expr::List(list) = &added.expr else { return Err(odd()) };
            let [added] = list.elements.as_slice() else { return Err(odd()) };
            if matches!(&added.expr, Expr::Ident(name) if *name == it.iter_var) {
                return Ok(true);
            }
            self.value(added).map(|()| false)
        }
    }

    fn object(name: &str) -> Option<Shape> {
        matches!(name, "dep" | "self").then_some(OBJECT)
    }

    fn field(of: Shape, name: &str) -> Result<Shape, String> {
        match of {
            Shape::Record(fields) => {
                let found = fields.iter().find(|(field, _)| *field == name).map(|(_, shape)| *shape);
                found.ok_or(format!("{name} is not kept here"))
            }
            Shape::Map => Ok(Shape::Scalar),
            Shape::List(_) | Shape::Scalar | Shape::Computed => Err(format!("{name} is looked for in a value")),
        }
    }

    /// `dep.metadata.labels.tier`, where an expression is such a path.
    fn path(expression: &Expr) -> Option<String> {
        let mut names = Vec::new();
        let mut at = expression;
        loop {
            match at {
                Expr::Ident(name) if object(name).is_some() && !names.is_empty() => {
                    names.push(name.as_str());
                    break;
                }
                Expr::Select(select) => {
                    names.push(&select.field);
                    at = &select.operand.expr;
                }
                Expr::Call(call) if call.func_name == "_[_]" => match call.args.as_slice() {
                    [of, at_name] => match &at_name.expr {
                        Expr::Literal(LiteralValue::String(name)) => {
                            names.push(name.inner());
                            at = &of.expr;
                        }
                        _ => return None,
                    },
                    _ => return None,
                },
                _ => return None,
            }
        }
        names.reverse();
        Some(names.join("."))
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
}

#[cfg(all(test, feature = "cel"))]
mod tests {
    use super::*;
    use crate::testing::{hr, ks};
    use proptest::prelude::*;

    fn judged(expression: &str) -> String {
        let mut dependency = ks("dep").failing("BuildFailed", "token: hunter2");
        dependency.meta.labels.insert("tier".to_owned(), "gold".to_owned());
        dependency.meta.labels.insert("app/version".to_owned(), "v2".to_owned());
        let mut dependent = ks("own");
        dependent.meta.labels.insert("app/version".to_owned(), "v2".to_owned());
        match judge(expression, &dependent, &dependency) {
            Judged::True => "true".to_owned(),
            Judged::False(seen) => {
                let seen: Vec<_> = seen.iter().map(|(path, value)| format!("{path} is {value}")).collect();
                format!("false: {}", seen.join(", "))
            }
            Judged::Unknown(why) => format!("unknown: {why}"),
        }
    }

    #[test]
    fn what_the_model_keeps_is_evaluated_and_nothing_else() {
        let table: Vec<String> = [
            "dep.metadata.name == 'dep'",
            "dep.metadata.name == 'zzz'",
            "dep.metadata.labels.tier == 'gold'",
            "dep.metadata.labels['app/version'] == self.metadata.labels['app/version']",
            "dep.metadata.labels['app/version'] == 'v3'",
            "dep.metadata.labels.color == 'red'",
            "has(dep.metadata.labels.color) && dep.metadata.labels.color == 'red'",
            "has(dep.metadata.labels.color) || dep.metadata.labels.tier == 'gold'",
            "'color' in dep.metadata.labels",
            "dep.status.conditions.filter(c, c.type == 'Ready').all(c, c.status == 'True')",
            "dep.status.conditions.exists(c, c.type == 'Ready' && c.reason == 'BuildFailed')",
            "dep.status.conditions.exists_one(c, c.type == 'Ready')",
            "dep.status.conditions.filter(c, c.type == 'Ready')[0].status == 'False'",
            "dep.status.conditions.map(c, c.type).exists(t, t == 'Ready')",
            "'Ready' in dep.status.conditions.map(c, c.type)",
            "dep.metadata.generation == dep.status.observedGeneration",
            "dep.metadata.generation - 5 < 0 && dep.metadata.generation == 1.0",
            "size(dep.status.conditions) == 1 && dep.status.lastAppliedRevision.startsWith('main@')",
            "dep.status.lastAppliedRevision == self.status.lastAppliedRevision ? true : false",
            "has(dep.spec.suspend)",
            "has(dep.spec.suspend) && dep.spec.suspend == self.spec.suspend",
            "true || dep.spec.suspend",
            "dep.spec.interval == '10m0s'",
            "dep.status.conditions.exists(c, c.message.contains('hunter2'))",
            "dep.metadata.annotations['a'] == 'b'",
            "dep.kind == 'Kustomization'",
            "dep == self",
            "dep.status.conditions == self.status.conditions",
            "dep.metadata.name.matches('^d')",
            "dep.?metadata.?name.orValue('') == 'dep'",
            "dep.metadata.name",
            "dep.metadata.name ==",
            "x.y == 1",
            "dep.metadata.labels.all(k, k != '')",
        ]
        .iter()
        .map(|expression| format!("{expression}  →  {}", judged(expression)))
        .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn a_helm_release_has_no_applied_revision_and_a_declared_object_no_status() {
        let release = judge("has(dep.status.lastAppliedRevision)", &hr("own"), &hr("dep"));
        let absent = ("dep.status.lastAppliedRevision".to_owned(), "absent".to_owned());
        assert_eq!(release, Judged::False(vec![absent]));
        let mut declared = ks("dep");
        declared.live = false;
        assert!(matches!(judge("true", &ks("own"), &declared), Judged::Unknown(_)));
    }

    #[test]
    fn what_is_long_or_deep_is_left_to_the_controller() {
        let nested = |open: &str, close: &str, times: usize| open.repeat(times) + "true" + &close.repeat(times);
        for expression in [
            nested("(", ")", 300),
            nested("[", "]", 12),
            nested("!(", ")", 12),
            nested("true ? true : ", "", 50),
            nested("x.all(c, ", ")", 12),
            "!".repeat(799) + "a",
            "-".repeat(799) + "1",
            "dep".to_owned() + &".a".repeat(390),
            "dep".to_owned() + &"[0]".repeat(260),
            "1 ".to_owned() + &"+ 1".repeat(260),
            "true".to_owned() + &"&&true".repeat(130) + " && dep.x",
            "a".repeat(801),
        ] {
            let judged = judge(&expression, &ks("own"), &ks("dep"));
            assert!(matches!(judged, Judged::Unknown(_)), "{expression}: {judged:?}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_makes_it_panic(words in proptest::collection::vec(
            "dep|self|[.]status|[.]conditions|[.]metadata|[.]name|[.]filter\\(c,|[.]all\\(c,|c[.]type|==|'a'|\\)|\\(|\\[|\\]|0|[+]|-|!|&&|[{]|:|[}]|has\\(|\\?|[a-z\"'\\\\]", 0..24)
        ) {
            let _ = judge(&words.concat(), &ks("own"), &ks("dep"));
        }
    }
}
