//! Field set of a value: the fields that the manager of an applied configuration owns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::FieldSet;
use super::list_items::element_of;
use super::path_element::PathElement;
use super::validate::{TypeErrors, invalid_atom};
use super::value_type::{Atom, ItemIdentity, List, Map, ValueType};

/// The paths of all leaves, items and empty values of a value.
pub(super) fn field_set_of(value: &Value, value_type: ValueType<'_>) -> Result<FieldSet, TypeErrors> {
    let mut errors = TypeErrors::default();
    let (_, set) = node(value, value_type.resolve(), &mut errors);
    errors.or_ok().map(|()| set)
}

/// True if the path of the value itself is a member, and the set below it.
fn node(value: &Value, atom: Atom<'_>, errors: &mut TypeErrors) -> (bool, FieldSet) {
    match atom.deduce(Some(value)) {
        Atom { map: Some(map), .. } => map_node(value, &map, errors),
        Atom { scalar: Some(_), .. } => (true, FieldSet::default()),
        Atom { list: Some(list), .. } => list_node(value, &list, errors),
        Atom { .. } => {
            errors.extend(invalid_atom());
            (false, FieldSet::default())
        }
    }
}

fn map_node(value: &Value, map: &Map<'_>, errors: &mut TypeErrors) -> (bool, FieldSet) {
    if map.atomic {
        return (true, FieldSet::default());
    }
    let mut set = FieldSet::default();
    for (name, value) in value.as_object().into_iter().flatten() {
        let field = map.field(name);
        let Some(below) = field.or(map.element) else {
            errors.extend(invalid_atom().in_field(name));
            continue;
        };
        let mut wrong = TypeErrors::default();
        let (member, below) = node(value, below.resolve(), &mut wrong);
        errors.extend(wrong.in_field(name));
        let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        set.add(PathElement::field(name), member || empty || field.is_none(), below);
    }
    (false, set)
}

fn list_node(value: &Value, list: &List<'_>, errors: &mut TypeErrors) -> (bool, FieldSet) {
    if list.items == ItemIdentity::Atomic {
        return (true, FieldSet::default());
    }
    let mut items: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
    for item in value.as_array().into_iter().flatten() {
        if let Ok(element) = element_of(list, item) {
            items.entry(element).or_default().push(item);
        }
    }
    let atom = list.element.resolve();
    let mut set = FieldSet::default();
    for (element, items) in items {
        // Duplicate items share a path, without paths below.
        let below = match items.as_slice() {
            [item] => {
                let mut wrong = TypeErrors::default();
                let (_, below) = node(item, atom, &mut wrong);
                errors.extend(wrong.below(&element));
                below
            }
            _ => FieldSet::default(),
        };
        set.add(element, true, below);
    }
    (false, set)
}
