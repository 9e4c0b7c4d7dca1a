//! Validation of values by their type for server-side apply.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::list_items::element_of;
use super::path_element::PathElement;
use super::value_type::{Atom, ItemIdentity, List, Map, Scalar, ValueType};
use crate::object::go_format::printed;

/// Type errors of a value, each with its path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TypeErrors(Vec<(String, String)>);

impl TypeErrors {
    pub(super) fn one(message: impl Into<String>) -> Self {
        Self(vec![(String::new(), message.into())])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The same errors with an element in front of their paths.
    pub(super) fn below(mut self, element: &PathElement) -> Self {
        self.prefix(|| element.to_string());
        self
    }

    /// The same errors with a field in front of their paths.
    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.prefix(|| format!(".{name}"));
        self
    }

    fn prefix(&mut self, prefix: impl Fn() -> String) {
        if self.is_empty() {
            return;
        }
        let prefix = prefix();
        for (path, _) in &mut self.0 {
            path.insert_str(0, &prefix);
        }
    }

    pub(super) fn or_ok(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for TypeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |(path, message): &(String, String)| {
            if path.is_empty() { message.clone() } else { format!("{path}: {message}") }
        };
        match self.0.as_slice() {
            [only] => f.write_str(&one(only)),
            many => {
                f.write_str("errors:")?;
                many.iter().try_for_each(|error| write!(f, "\n  {}", one(error)))
            }
        }
    }
}

/// The error of any value for an empty type.
pub(super) fn invalid_atom() -> TypeErrors {
    TypeErrors::one("schema error: invalid atom: inlined")
}

/// Validates a value. Only stored values may have duplicate items in sets and list maps.
pub(crate) fn validate(value: &Value, value_type: ValueType<'_>, duplicates: bool) -> Result<(), TypeErrors> {
    node(value, value_type.resolve(), duplicates).or_ok()
}

fn node(value: &Value, atom: Atom<'_>, duplicates: bool) -> TypeErrors {
    match atom.deduce(Some(value)) {
        Atom { map: Some(map), .. } => map_node(value, &map, duplicates),
        Atom { scalar: Some(scalar), .. } => scalar_errors(scalar, Some(value), ""),
        Atom { list: Some(list), .. } => list_node(value, &list, duplicates),
        Atom { .. } => invalid_atom(),
    }
}

/// Errors of a scalar; `side` names the value in a merge.
pub(super) fn scalar_errors(scalar: Scalar, value: Option<&Value>, side: &str) -> TypeErrors {
    let Some(value) = value.filter(|value| !value.is_null()) else { return TypeErrors::default() };
    let why = match (scalar, value) {
        (Scalar::Numeric, Value::Number(_))
        | (Scalar::String, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_))
        | (Scalar::Untyped, Value::Number(_) | Value::String(_) | Value::Bool(_)) => {
            return TypeErrors::default();
        }
        (Scalar::Numeric, _) => format!("expected numeric (int or float), got {}", go_type(value)),
        (Scalar::String, _) => format!("expected string, got {}", go_syntax(value)),
        (Scalar::Boolean, _) => format!("expected boolean, got {}", go_value(value)),
        (Scalar::Untyped, _) => format!("expected any scalar, got {}", go_value(value)),
    };
    TypeErrors::one(format!("{side}{why}"))
}

fn map_node(value: &Value, map: &Map<'_>, duplicates: bool) -> TypeErrors {
    let fields = match value {
        Value::Null => return TypeErrors::default(),
        Value::Object(fields) => fields,
        other => return TypeErrors::one(format!("expected map, got {}", go_value(other))),
    };
    let mut errors = TypeErrors::default();
    for (name, value) in fields {
        let Some(below) = map.field(name).or(map.element) else {
            errors.extend(TypeErrors::one("field not declared in schema").in_field(name));
            // structured-merge-diff stops at the first error of a map.
            break;
        };
        errors.extend(node(value, below.resolve(), duplicates).in_field(name));
    }
    errors
}

fn list_node(value: &Value, list: &List<'_>, duplicates: bool) -> TypeErrors {
    let items = match value {
        Value::Null => return TypeErrors::default(),
        Value::Array(items) => items,
        other => return TypeErrors::one(format!("expected list, got {}", go_value(other))),
    };
    let mut errors = TypeErrors::default();
    let mut seen = BTreeSet::new();
    let atom = list.element.resolve();
    for (index, item) in items.iter().enumerate() {
        let element = if list.items == ItemIdentity::Atomic {
            PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
        } else {
            match element_of(list, item) {
                Ok(element) => element,
                Err(why) => {
                    errors.extend(TypeErrors::one(format!("element {index}: {why}")));
                    return errors;
                }
            }
        };
        let below = node(item, atom, duplicates).below(&element);
        if list.items != ItemIdentity::Atomic && !duplicates {
            if seen.contains(&element) {
                errors.extend(TypeErrors::one(format!("duplicate entries for key {element}")));
            } else {
                seen.insert(element);
            }
        }
        errors.extend(below);
    }
    errors
}

/// The name of a value's Go type.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value in Go's `%v` format, within structured-merge-diff's wrapper.
fn go_value(value: &Value) -> String {
    format!("&{{{}}}", printed(value))
}

/// A value in Go's `%#v` format, within structured-merge-diff's wrapper.
fn go_syntax(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", literal(value))
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => crate::error::field::go_quoted(text),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", crate::error::field::go_quoted(name), literal(value)))
                .collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
