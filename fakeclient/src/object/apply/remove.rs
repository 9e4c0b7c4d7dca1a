//! Removal of fields and items from a value.

use serde_json::Value;

use super::field_set::FieldSet;
use super::list_items::element_of;
use super::path_element::PathElement;
use super::value_type::{Atom, ItemIdentity, List, Map, ValueType};

/// The value without the fields and items at these paths. A map or list without remaining entries becomes null.
pub(super) fn remove(value: &Value, paths: &FieldSet, value_type: ValueType<'_>) -> Value {
    if paths.is_empty() {
        return value.clone();
    }
    match value_type.resolve().deduce(Some(value)) {
        Atom { map: Some(map), .. } => map_node(value, paths, &map),
        Atom { scalar: Some(_), .. } => value.clone(),
        Atom { list: Some(list), .. } => list_node(value, paths, &list),
        Atom { .. } => Value::Null,
    }
}

fn map_node(value: &Value, paths: &FieldSet, map: &Map<'_>) -> Value {
    let Some(fields) = value.as_object().filter(|_| !map.atomic) else { return Value::Null };
    let mut left = serde_json::Map::new();
    for (name, value) in fields {
        let element = PathElement::field(name);
        if paths.has_member(&element) {
            continue;
        }
        let value = match (paths.below(&element), map.field(name).or(map.element)) {
            (Some(below), Some(of)) => remove(value, below, of),
            (Some(_), None) => Value::Null,
            (None, _) => value.clone(),
        };
        left.insert(name.clone(), value);
    }
    if left.is_empty() { Value::Null } else { Value::Object(left) }
}

fn list_node(value: &Value, paths: &FieldSet, list: &List<'_>) -> Value {
    let Some(items) = value.as_array().filter(|_| list.items != ItemIdentity::Atomic) else {
        return Value::Null;
    };
    let mut left = Vec::with_capacity(items.len());
    for item in items {
        let Ok(element) = element_of(list, item) else {
            left.push(item.clone());
            continue;
        };
        if paths.has_member(&element) {
            continue;
        }
        left.push(match paths.below(&element) {
            Some(below) => remove(item, below, list.element),
            None => item.clone(),
        });
    }
    if left.is_empty() { Value::Null } else { Value::Array(left) }
}
