//! Type checker of CEL expressions, with cel-go's error messages.

use std::collections::BTreeSet;

use super::library;
use super::syntax::{CelError, Expr, ExprKind, LiteralElement, Macro};
use super::types::{Bindings, Type};
use super::value::Value;

/// Checks one expression. Macros bind variables temporarily.
#[derive(Debug)]
pub(crate) struct Checker {
    variables: Vec<(String, Type)>,
    pub(crate) problems: Vec<CelError>,
    pub(crate) used: BTreeSet<String>,
}

impl Checker {
    pub(crate) fn new(variables: Vec<(String, Type)>) -> Self {
        Self { variables, problems: Vec::new(), used: BTreeSet::new() }
    }

    fn wrong(&mut self, at: usize, text: String) -> Type {
        let problem = CelError { at, text };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Type::Error
    }

    fn undeclared(&mut self, at: usize, name: &str) -> Type {
        if library::NOT_MODELLED.contains(&name) {
            let text = format!("seatrial-fakeclient does not model the function '{name}'");
            return self.wrong(at, text);
        }
        self.wrong(at, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn variable(&mut self, name: &str) -> Option<Type> {
        let found = self.variables.iter().rev().find(|(n, _)| n == name).map(|(_, t)| t.clone());
        if found.is_some() {
            self.used.insert(name.to_owned());
        }
        found
    }

    pub(crate) fn expr(&mut self, expr: &Expr) -> Type {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value),
            ExprKind::Ident(name) => match self.variable(name) {
                Some(found) => found,
                None if library::TYPES.contains(&name.as_str()) => Type::Type,
                None => self.undeclared(expr.at, name),
            },
            ExprKind::Select { operand, field } => self.select(expr.at, operand, field),
            ExprKind::Has { operand, field } => {
                self.select(expr.at, operand, field);
                Type::Bool
            }
            ExprKind::Call { target, name, args } => self.call(expr.at, target.as_deref(), name, args),
            ExprKind::List(items) => {
                let item = self.elements(items.iter());
                Type::list(item)
            }
            ExprKind::Map(entries) => {
                let mut key = None;
                for (k, _) in entries {
                    let found = self.expr(k);
                    key.get_or_insert(found);
                }
                let value = self.elements(entries.iter().map(|(_, v)| v));
                Type::map(key.unwrap_or(Type::Dyn), value)
            }
            ExprKind::Struct(name) => self.undeclared(expr.at, name),
            ExprKind::Loop { name, range, vars, args } => self.run_macro(*name, range, vars, args),
        }
    }

    /// The common type of the elements of a literal; `dyn` if they differ.
    fn elements<'e>(&mut self, elements: impl Iterator<Item = &'e LiteralElement>) -> Type {
        let mut joined: Option<Type> = None;
        for element in elements {
            let mut found = self.expr(&element.value);
            if element.optional
                && let Type::Optional(inner) = found
            {
                found = *inner;
            }
            match &joined {
                None => joined = Some(found),
                Some(wanted) if found == Type::Error || Bindings::default().fits(wanted, &found) => {}
                Some(wanted) => {
                    let text = format!("expected type '{wanted}' but found '{found}'");
                    self.wrong(element.value.at, text);
                }
            }
        }
        joined.unwrap_or(Type::Dyn)
    }

    fn select(&mut self, at: usize, operand: &Expr, field: &str) -> Type {
        let outer = self.expr(operand);
        self.field_of(at, &outer, field)
    }

    fn field_of(&mut self, at: usize, outer: &Type, field: &str) -> Type {
        match outer {
            Type::Object(object) => match object.fields.get(field) {
                Some(found) => found.clone(),
                None => self.wrong(at, format!("undefined field '{field}'")),
            },
            Type::Map(_, value) => (**value).clone(),
            Type::Optional(inner) => {
                let found = self.field_of(at, inner, field);
                if found == Type::Error { found } else { Type::optional(found) }
            }
            Type::Dyn => Type::Dyn,
            Type::Error => Type::Error,
            other => self.wrong(at, format!("type '{other}' does not support field selection")),
        }
    }

    fn call(&mut self, at: usize, target: Option<&Expr>, name: &str, args: &[Expr]) -> Type {
        match (name, args) {
            ("_&&_" | "_||_", args) => {
                for arg in args {
                    let found = self.expr(arg);
                    if !matches!(found, Type::Bool | Type::Dyn | Type::Error) {
                        self.wrong(arg.at, format!("expected type 'bool' but found '{found}'"));
                    }
                }
                return Type::Bool;
            }
            ("_?._", [operand, Expr { kind: ExprKind::Literal(Value::String(field)), .. }]) => {
                let outer = self.expr(operand);
                let found = self.field_of(at, &outer, field);
                return if matches!(found, Type::Optional(_) | Type::Error) {
                    found
                } else {
                    Type::optional(found)
                };
            }
            _ => {}
        }
        if let Some(Expr { kind: ExprKind::Ident(space), .. }) = target {
            let full = format!("{space}.{name}");
            if self.variable(space).is_none() && library::find(&full).is_some() {
                let types = args.iter().map(|a| self.expr(a)).collect::<Vec<_>>();
                return self.resolve(at, &full, false, &types);
            }
        }
        let mut types = Vec::new();
        types.extend(target.map(|t| self.expr(t)));
        types.extend(args.iter().map(|a| self.expr(a)).collect::<Vec<_>>());
        self.resolve(at, name, target.is_some(), &types)
    }

    fn resolve(&mut self, at: usize, name: &str, member: bool, types: &[Type]) -> Type {
        let Some(overloads) = library::find(name) else {
            let short = name.rsplit('.').next().unwrap_or(name);
            return self.undeclared(at, short);
        };
        if library::NOT_MODELLED.contains(&name) {
            return self.undeclared(at, name);
        }
        let mut result: Option<Type> = None;
        for overload in overloads.iter().filter(|o| o.member == member && o.params.len() == types.len()) {
            let mut bindings = Bindings::default();
            if overload.params.iter().zip(types).all(|(wanted, given)| bindings.fits(wanted, given)) {
                let found = bindings.apply(&overload.result);
                result = Some(match result {
                    Some(before) if before != found => Type::Dyn,
                    _ => found,
                });
            }
        }
        if let Some(result) = result {
            return result;
        }
        // The error of a malformed operand is reported alone, but for operators cel-go reports both.
        if types.contains(&Type::Error) && !name.starts_with('_') {
            return Type::Error;
        }
        if types.first() == Some(&Type::Error) {
            return Type::Error;
        }
        let shown = |types: &[Type]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let applied = match types {
            [target, rest @ ..] if member => format!("{target}.({})", shown(rest)),
            types => format!("({})", shown(types)),
        };
        self.wrong(at, format!("found no matching overload for '{name}' applied to '{applied}'"))
    }

    fn run_macro(&mut self, name: Macro, range: &Expr, vars: &[String], args: &[Expr]) -> Type {
        let over = self.expr(range);
        let two = vars.len() == 2;
        let (first, second) = match &over {
            Type::List(item) if two => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Optional(inner) if matches!(name, Macro::OptMap | Macro::OptFlatMap) => {
                ((**inner).clone(), Type::Dyn)
            }
            Type::Dyn => (Type::Dyn, Type::Dyn),
            Type::Error => (Type::Error, Type::Error),
            other => {
                let text = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.wrong(range.at, text);
                (Type::Error, Type::Error)
            }
        };
        let depth = self.variables.len();
        self.variables.extend(vars.iter().cloned().zip([first.clone(), second.clone()]));
        let types: Vec<Type> = args.iter().map(|a| self.expr(a)).collect();
        self.variables.truncate(depth);
        let conditions = match name {
            Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter => args.len(),
            Macro::Map | Macro::TransformList | Macro::TransformMap => args.len().saturating_sub(1),
            Macro::OptMap | Macro::OptFlatMap => 0,
        };
        for (arg, found) in args.iter().zip(&types).take(conditions) {
            if !matches!(found, Type::Bool | Type::Dyn | Type::Error) {
                self.wrong(arg.at, format!("expected type 'bool' but found '{found}'"));
            }
        }
        let last = types.last().cloned().unwrap_or(Type::Dyn);
        match name {
            Macro::All | Macro::Exists | Macro::ExistsOne => Type::Bool,
            Macro::Filter if matches!(over, Type::Map(..)) => Type::list(first),
            Macro::Filter => over,
            Macro::Map | Macro::TransformList => Type::list(last),
            Macro::TransformMap => Type::map(first, last),
            Macro::OptMap => Type::optional(last),
            Macro::OptFlatMap => last,
        }
    }
}

fn literal(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        _ => Type::Dyn,
    }
}
