//! Evaluation of checked CEL expressions.

use super::library;
use super::syntax::{Expr, ExprKind, LiteralElement, Macro};
use super::value::Value;

/// Variables in scope, the innermost last.
#[derive(Debug, Default)]
pub(crate) struct Evaluator {
    variables: Vec<(String, Value)>,
}

type EvalResult = Result<Value, String>;

impl Evaluator {
    pub(crate) fn new(variables: Vec<(String, Value)>) -> Self {
        Self { variables }
    }

    pub(crate) fn run(&mut self, expr: &Expr) -> EvalResult {
        match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Ident(name) => self.ident(name),
            ExprKind::Select { operand, field } => {
                let outer = self.run(operand)?;
                select(&outer, field)
            }
            ExprKind::Has { operand, field } => {
                let outer = self.run(operand)?;
                let found = match &outer {
                    Value::Optional(inner) => inner.as_deref().is_some_and(|v| v.get(&key(field)).is_some()),
                    value => value.get(&key(field)).is_some(),
                };
                Ok(Value::Bool(found))
            }
            ExprKind::Call { target, name, args } => self.call(target.as_deref(), name, args),
            ExprKind::List(items) => {
                let mut values = Vec::new();
                for item in items {
                    values.extend(self.element(item)?);
                }
                Ok(Value::list(values))
            }
            ExprKind::Map(entries) => {
                let mut values: Vec<(Value, Value)> = Vec::new();
                for (key, value) in entries {
                    let key = self.run(key)?;
                    if values.iter().any(|(k, _)| k.equals(&key)) {
                        return Err("Failed with repeated key".to_owned());
                    }
                    values.extend(self.element(value)?.map(|value| (key, value)));
                }
                Ok(Value::map(values))
            }
            ExprKind::Struct(name) => Err(format!("unknown type: {name}")),
            ExprKind::Loop { name, range, vars, args } => self.run_macro(*name, range, vars, args),
        }
    }

    fn ident(&self, name: &str) -> EvalResult {
        if let Some((_, value)) = self.variables.iter().rev().find(|(n, _)| n == name) {
            return Ok(value.clone());
        }
        let known = library::TYPES.iter().find(|known| **known == name);
        known
            .map(|known| Value::Type(type_value(known)))
            .ok_or_else(|| format!("no such attribute(s): {name}"))
    }

    /// The value of an element; `None` for an optional element without a value.
    fn element(&mut self, element: &LiteralElement) -> Result<Option<Value>, String> {
        let value = self.run(&element.value)?;
        Ok(match value {
            Value::Optional(inner) if element.optional => inner.map(|v| *v),
            value => Some(value),
        })
    }

    fn call(&mut self, target: Option<&Expr>, name: &str, args: &[Expr]) -> EvalResult {
        match (name, args) {
            ("_&&_", [left, right]) => return self.logic(left, right, false),
            ("_||_", [left, right]) => return self.logic(left, right, true),
            ("_?_:_", [condition, yes, no]) => {
                return match self.run(condition)? {
                    Value::Bool(true) => self.run(yes),
                    Value::Bool(false) => self.run(no),
                    _ => Err(library::no_overload()),
                };
            }
            ("_?._", [operand, Expr { kind: ExprKind::Literal(Value::String(field)), .. }]) => {
                let outer = self.run(operand)?;
                let outer = match outer {
                    Value::Optional(None) => return Ok(Value::Optional(None)),
                    Value::Optional(Some(inner)) => *inner,
                    value => value,
                };
                return Ok(Value::Optional(outer.get(&key(field)).cloned().map(Box::new)));
            }
            _ => {}
        }
        let mut name = name.to_owned();
        let mut values = Vec::new();
        match target {
            Some(Expr { kind: ExprKind::Ident(space), .. })
                if !self.variables.iter().any(|(n, _)| n == space)
                    && library::find(&format!("{space}.{name}")).is_some() =>
            {
                name = format!("{space}.{name}");
            }
            Some(target) => values.push(self.run(target)?),
            None => {}
        }
        let member = !values.is_empty();
        for arg in args {
            values.push(self.run(arg)?);
        }
        let overloads = library::find(&name).unwrap_or_default();
        let fitting = overloads.iter().filter(|o| o.member == member && o.params.len() == values.len());
        // With dynamic types, only the values select the overload: the first that accepts them.
        let mut refusal = library::no_overload();
        for overload in fitting {
            match (overload.run)(&values) {
                Err(text) if text == library::no_overload() => {}
                Err(text) => {
                    refusal = text;
                    break;
                }
                found => return found,
            }
        }
        Err(refusal)
    }

    /// `&&` and `||`: an error is ignored if the other operand decides the result.
    fn logic(&mut self, left: &Expr, right: &Expr, decisive: bool) -> EvalResult {
        let first = self.run(left);
        if matches!(first, Ok(Value::Bool(flag)) if flag == decisive) {
            return Ok(Value::Bool(decisive));
        }
        let second = self.run(right);
        if matches!(second, Ok(Value::Bool(flag)) if flag == decisive) {
            return Ok(Value::Bool(decisive));
        }
        match (first?, second?) {
            (Value::Bool(_), Value::Bool(flag)) => Ok(Value::Bool(flag)),
            _ => Err(library::no_overload()),
        }
    }

    fn run_macro(&mut self, name: Macro, range: &Expr, vars: &[String], args: &[Expr]) -> EvalResult {
        let range = self.run(range)?;
        if matches!(name, Macro::OptMap | Macro::OptFlatMap) {
            let Value::Optional(inner) = range else { return Err(library::no_overload()) };
            let Some(inner) = inner else { return Ok(Value::Optional(None)) };
            let found = self.with(vars, [*inner, Value::Null], &args[0])?;
            return Ok(if name == Macro::OptMap { Value::Optional(Some(Box::new(found))) } else { found });
        }
        let pairs = pairs(&range, vars.len() == 2)?;
        match name {
            Macro::All => self.quantify(pairs, vars, &args[0], false),
            Macro::Exists => self.quantify(pairs, vars, &args[0], true),
            Macro::ExistsOne => {
                let mut count = 0;
                for pair in pairs {
                    count += usize::from(bool_of(&self.with(vars, pair, &args[0])?)?);
                }
                Ok(Value::Bool(count == 1))
            }
            _ => self.collect(name, pairs, vars, args),
        }
    }

    fn quantify(
        &mut self,
        pairs: Vec<[Value; 2]>,
        vars: &[String],
        condition: &Expr,
        decisive: bool,
    ) -> EvalResult {
        let mut refusal = None;
        for pair in pairs {
            match self.with(vars, pair, condition).and_then(|v| bool_of(&v)) {
                Ok(flag) if flag == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(text) => refusal = Some(text),
            }
        }
        refusal.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn collect(&mut self, name: Macro, pairs: Vec<[Value; 2]>, vars: &[String], args: &[Expr]) -> EvalResult {
        let (mut list, mut map) = (Vec::new(), Vec::new());
        let (body, conditions) = args.split_last().expect("a macro has a body");
        for pair in pairs {
            let [first, _] = pair.clone();
            if let [condition] = conditions
                && !bool_of(&self.with(vars, pair.clone(), condition)?)?
            {
                continue;
            }
            let value = self.with(vars, pair, body)?;
            match name {
                Macro::Filter if bool_of(&value)? => list.push(first),
                Macro::Filter => {}
                Macro::TransformMap => map.push((first, value)),
                _ => list.push(value),
            }
        }
        Ok(if name == Macro::TransformMap { Value::map(map) } else { Value::list(list) })
    }

    fn with(&mut self, vars: &[String], values: [Value; 2], body: &Expr) -> EvalResult {
        let depth = self.variables.len();
        self.variables.extend(vars.iter().cloned().zip(values));
        let found = self.run(body);
        self.variables.truncate(depth);
        found
    }
}

fn key(field: &str) -> Value {
    Value::text(field)
}

fn select(outer: &Value, field: &str) -> EvalResult {
    match outer {
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(inner)) => Ok(Value::Optional(inner.get(&key(field)).cloned().map(Box::new))),
        Value::Map(_) => outer.get(&key(field)).cloned().ok_or_else(|| format!("no such key: {field}")),
        _ => Err(library::no_overload()),
    }
}

fn bool_of(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        _ => Err(library::no_overload()),
    }
}

fn type_value(name: &str) -> &'static str {
    match name {
        "timestamp" => "google.protobuf.Timestamp",
        "duration" => "google.protobuf.Duration",
        other => library::TYPES.iter().find(|known| **known == other).copied().unwrap_or("dyn"),
    }
}

/// The values of a macro's variables per iteration: item, or index and item; key, or key and value.
fn pairs(range: &Value, two: bool) -> Result<Vec<[Value; 2]>, String> {
    match range {
        Value::List(items, _) => Ok(items
            .iter()
            .zip(0_i64..)
            .map(
                |(item, index)| {
                    if two { [Value::Int(index), item.clone()] } else { [item.clone(), Value::Null] }
                },
            )
            .collect()),
        Value::Map(entries) => Ok(entries.iter().map(|(k, v)| [k.clone(), v.clone()]).collect()),
        _ => Err(library::no_overload()),
    }
}
