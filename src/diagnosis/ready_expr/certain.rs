//! Which expressions come out here as they do in the controllers: those that look at nothing but what is kept whole, and
//! call nothing but what both implementations are known to do alike.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

/// What an expression looks at in `dep` and `self`, such as `dep.metadata.labels.tier`, in order, each once; else why it is
/// not certain what it comes to.
pub(super) fn paths(expression: &IdedExpr) -> Result<Vec<String>, String> {
    let mut reader = Reader { scope: Vec::new(), paths: Vec::new(), depth: 0 };
    reader.shape(expression)?;
    Ok(reader.paths)
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
        const OPERATORS: [&str; 13] =
            ["_?_:_", "_&&_", "_||_", "!_", "_==_", "_!=_", "_>=_", "_<=_", "_>_", "_<_", "@in", "_+_", "_-_"];
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
