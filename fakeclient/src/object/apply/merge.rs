//! Merge of an applied configuration into an object.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::list_items::element_of;
use super::path_element::PathElement;
use super::validate::{TypeErrors, invalid_atom, scalar_errors};
use super::value_type::{Atom, ItemIdentity, List, Map, ValueType};

/// The object with all fields of the configuration; nothing is removed. Items of granular lists keep the object's
/// order, unless the configuration has another.
pub(super) fn merge(live: &Value, config: &Value, value_type: ValueType<'_>) -> Result<Value, TypeErrors> {
    let mut errors = TypeErrors::default();
    let merged = node(Some(live), Some(config), value_type, &mut errors);
    errors.or_ok().map(|()| merged.unwrap_or_default())
}

fn node(
    live: Option<&Value>,
    config: Option<&Value>,
    value_type: ValueType<'_>,
    errors: &mut TypeErrors,
) -> Option<Value> {
    // Fields that are not in the configuration are kept.
    if config.is_none() {
        return live.cloned();
    }
    let atom = value_type.resolve();
    let (of_live, of_config) = (atom.deduce(live), atom.deduce(config));
    if live.is_some() && !of_live.is_like(&of_config) {
        by_atom(live, config, &of_live, errors);
    }
    by_atom(live, config, &of_config, errors)
}

fn by_atom(
    live: Option<&Value>,
    config: Option<&Value>,
    atom: &Atom<'_>,
    errors: &mut TypeErrors,
) -> Option<Value> {
    if let Some(map) = &atom.map {
        return map_node(live, config, map, errors);
    }
    if let Some(scalar) = atom.scalar {
        let (one, other) = (scalar_errors(scalar, live, "lhs: "), scalar_errors(scalar, config, "rhs: "));
        if one.is_empty() || other.is_empty() {
            return leaf(live, config);
        }
        errors.extend(one);
        errors.extend(other);
        return None;
    }
    if let Some(list) = &atom.list {
        return list_node(live, config, list, errors);
    }
    errors.extend(invalid_atom());
    None
}

fn leaf(live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    config.or(live).cloned()
}

fn map_node(
    live: Option<&Value>,
    config: Option<&Value>,
    map: &Map<'_>,
    errors: &mut TypeErrors,
) -> Option<Value> {
    let (left, right) = (live.and_then(Value::as_object), config.and_then(Value::as_object));
    let empty = |side: Option<&serde_json::Map<String, Value>>| side.is_none_or(serde_json::Map::is_empty);
    if map.atomic || (empty(left) && empty(right)) {
        return leaf(live, config);
    }
    let Some(right) = right else { return left.cloned().map(Value::Object) };
    let mut merged = left.cloned().unwrap_or_default();
    for (name, value) in right {
        let Some(below) = map.field(name).or(map.element) else {
            errors.extend(invalid_atom().in_field(name));
            continue;
        };
        let mut wrong = TypeErrors::default();
        let value = node(left.and_then(|left| left.get(name)), Some(value), below, &mut wrong);
        errors.extend(wrong.in_field(name));
        match value {
            Some(value) => merged.insert(name.clone(), value),
            None => merged.remove(name),
        };
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

fn list_node(
    live: Option<&Value>,
    config: Option<&Value>,
    list: &List<'_>,
    errors: &mut TypeErrors,
) -> Option<Value> {
    let items = |side: Option<&Value>| side.and_then(Value::as_array).cloned().unwrap_or_default();
    let (left, right) = (items(live), items(config));
    if list.items == ItemIdentity::Atomic || (left.is_empty() && right.is_empty()) {
        return leaf(live, config);
    }
    let (right, left) =
        (ListItems::index(list, &right, false, errors)?, ListItems::index(list, &left, true, errors)?);
    let merged = ListMerge { list, left, right }.merge(errors);
    (!merged.is_empty()).then_some(Value::Array(merged))
}

/// The items of one side: their elements in order, and the value of each element.
struct ListItems<'v> {
    order: Vec<(PathElement, &'v Value)>,
    /// Null for duplicate items, which are not merged.
    values: BTreeMap<PathElement, &'v Value>,
}

impl<'v> ListItems<'v> {
    fn index(list: &List<'_>, items: &'v [Value], duplicates: bool, errors: &mut TypeErrors) -> Option<Self> {
        let mut side = Self { order: Vec::with_capacity(items.len()), values: BTreeMap::new() };
        let mut broken = false;
        for (index, item) in items.iter().enumerate() {
            let element = match element_of(list, item) {
                Ok(element) => element,
                Err(why) => {
                    errors.extend(TypeErrors::one(format!("element {index}: {why}")));
                    broken = true;
                    continue;
                }
            };
            if side.values.contains_key(&element) {
                if !duplicates {
                    errors.extend(TypeErrors::one(format!("duplicate entries for key {element}")));
                    broken = true;
                    continue;
                }
                side.values.insert(element.clone(), &Value::Null);
            } else {
                side.values.insert(element.clone(), item);
            }
            side.order.push((element, item));
        }
        (!broken).then_some(side)
    }
}

struct ListMerge<'l, 'v> {
    list: &'l List<'l>,
    left: ListItems<'v>,
    right: ListItems<'v>,
}

impl ListMerge<'_, '_> {
    /// Items in structured-merge-diff's order: those of the object up to the next common item; common items are in the
    /// order of the configuration.
    fn merge(&self, errors: &mut TypeErrors) -> Vec<Value> {
        let (left, right) = (&self.left.order, &self.right.order);
        let shared = right.iter().map(|(element, _)| element);
        let mut shared: VecDeque<&PathElement> =
            shared.filter(|element| self.left.values.contains_key(element)).collect();
        let mut next = shared.pop_front();
        let mut merged = Vec::with_capacity(left.len().max(right.len()));
        let mut done: BTreeSet<&PathElement> = BTreeSet::new();
        let (mut l, mut r) = (0, 0);
        while l < left.len() || r < right.len() {
            if let (Some((one, _)), Some((other, _))) = (left.get(l), right.get(r)) {
                if one == other {
                    done.insert(other);
                    merged.extend(self.item(other, errors));
                    l += 1;
                    r += 1;
                    next = shared.pop_front();
                    continue;
                }
                if self.right.values.contains_key(one) && next.is_some_and(|next| next != one) {
                    l += 1;
                    continue;
                }
            }
            if let Some((element, item)) = left.get(l) {
                if !self.right.values.contains_key(element) {
                    merged.push((*item).clone());
                    l += 1;
                    continue;
                }
                if done.contains(element) {
                    l += 1;
                }
            }
            if let Some((element, _)) = right.get(r) {
                done.insert(element);
                merged.extend(self.item(element, errors));
                r += 1;
                if next == Some(element) {
                    next = shared.pop_front();
                }
            }
        }
        merged
    }

    fn item(&self, element: &PathElement, errors: &mut TypeErrors) -> Option<Value> {
        let mut wrong = TypeErrors::default();
        let live = self.left.values.get(element).copied();
        let merged = node(live, self.right.values.get(element).copied(), self.list.element, &mut wrong);
        errors.extend(wrong.below(element));
        merged
    }
}
