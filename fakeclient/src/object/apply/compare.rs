//! Comparison of two objects: removed, modified and added paths.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::FieldSet;
use super::list_items::element_of;
use super::path_element::{PathElement, equal};
use super::validate::{TypeErrors, invalid_atom, scalar_errors};
use super::value_type::{Atom, ItemIdentity, List, Map, ValueType};

/// The difference between two objects of one type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Comparison {
    /// The comparison without these paths and the paths below them.
    pub(super) fn excluding(mut self, fields: &FieldSet) -> Self {
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.remove_recursively(fields);
        }
        self
    }

    fn add(&mut self, element: &PathElement, found: NodeComparison) {
        let removed = found.here == PathChange::Removed || found.also_removed;
        let modified = found.here == PathChange::Modified;
        let added = found.here == PathChange::Added || found.also_added;
        for (set, member, below) in [
            (&mut self.removed, removed, found.below.removed),
            (&mut self.modified, modified, found.below.modified),
            (&mut self.added, added, found.below.added),
        ] {
            if member || !below.is_empty() {
                set.add(element.clone(), member, below);
            }
        }
    }
}

/// Compares two objects.
pub(super) fn compare(old: &Value, new: &Value, value_type: ValueType<'_>) -> Result<Comparison, TypeErrors> {
    let mut errors = TypeErrors::default();
    let found = node(Some(old), Some(new), value_type, &mut errors);
    errors.or_ok().map(|()| found.below)
}

/// The change of a path itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PathChange {
    #[default]
    Same,
    Removed,
    Modified,
    Added,
}

#[derive(Default)]
struct NodeComparison {
    here: PathChange,
    /// True if items were duplicates and are unique now.
    also_removed: bool,
    /// True if items were unique and are duplicates now.
    also_added: bool,
    below: Comparison,
}

impl NodeComparison {
    fn leaf(old: Option<&Value>, new: Option<&Value>) -> Self {
        let here = match (old, new) {
            (None, _) => PathChange::Added,
            (_, None) => PathChange::Removed,
            (Some(old), Some(new)) if equal(old, new) => PathChange::Same,
            _ => PathChange::Modified,
        };
        Self { here, ..Self::default() }
    }
}

fn node(
    old: Option<&Value>,
    new: Option<&Value>,
    value_type: ValueType<'_>,
    errors: &mut TypeErrors,
) -> NodeComparison {
    // Equal values have no difference, whatever their type.
    if old == new {
        return NodeComparison::default();
    }
    if let (None, Some(new)) = (old, new) {
        return added(new, value_type, errors).map_or_else(NodeComparison::default, |added| NodeComparison {
            here: PathChange::Added,
            below: Comparison { added, ..Comparison::default() },
            ..NodeComparison::default()
        });
    }
    let atom = value_type.resolve();
    let (of_old, of_new) = (atom.deduce(old), atom.deduce(new));
    if new.is_none() {
        return by_atom(old, new, &of_old, errors);
    }
    if old.is_none() || of_old.is_like(&of_new) {
        return by_atom(old, new, &of_new, errors);
    }
    // The value changed its kind: both atoms are compared.
    let mut first = by_atom(old, new, &of_old, errors);
    let second = by_atom(old, new, &of_new, errors);
    if first.here == PathChange::Same {
        first.here = second.here;
    }
    first.below.removed = first.below.removed.union(&second.below.removed);
    first.below.modified = first.below.modified.union(&second.below.modified);
    first.below.added = first.below.added.union(&second.below.added);
    first
}

fn by_atom(
    old: Option<&Value>,
    new: Option<&Value>,
    atom: &Atom<'_>,
    errors: &mut TypeErrors,
) -> NodeComparison {
    if let Some(map) = &atom.map {
        return map_node(old, new, map, errors);
    }
    if let Some(scalar) = atom.scalar {
        let (one, other) = (scalar_errors(scalar, old, "lhs: "), scalar_errors(scalar, new, "rhs: "));
        if one.is_empty() || other.is_empty() {
            return NodeComparison::leaf(old, new);
        }
        errors.extend(one);
        errors.extend(other);
        return NodeComparison::default();
    }
    if let Some(list) = &atom.list {
        return list_node(old, new, list, errors);
    }
    errors.extend(invalid_atom());
    NodeComparison::default()
}

/// The paths below a value that exists only in the new object; `None` if it is not of the type. A fast path: most
/// writes add whole objects.
fn added(new: &Value, value_type: ValueType<'_>, errors: &mut TypeErrors) -> Option<FieldSet> {
    let atom = value_type.resolve().deduce(Some(new));
    if let Some(map) = &atom.map {
        let fields = new.as_object().filter(|fields| !map.atomic && !fields.is_empty());
        let mut below = FieldSet::default();
        for (name, value) in fields.into_iter().flatten() {
            let Some(field) = map.field(name).or(map.element) else {
                errors.extend(invalid_atom().in_field(name));
                continue;
            };
            let mut wrong = TypeErrors::default();
            let found = added(value, field, &mut wrong);
            errors.extend(wrong.in_field(name));
            if let Some(found) = found {
                below.add(PathElement::field(name), true, found);
            }
        }
        return Some(below);
    }
    if atom.scalar.is_some() {
        return Some(FieldSet::default());
    }
    let Some(list) = &atom.list else {
        errors.extend(invalid_atom());
        return None;
    };
    let found = list_node(None, Some(new), list, errors);
    Some(found.below.added)
}

/// A path that exists on one side only is itself removed or added.
fn granular(old: Option<&Value>, new: Option<&Value>, below: Comparison) -> NodeComparison {
    let here = match (old, new) {
        (None, _) => PathChange::Added,
        (_, None) => PathChange::Removed,
        _ => PathChange::Same,
    };
    NodeComparison { here, below, ..NodeComparison::default() }
}

fn map_node(
    old: Option<&Value>,
    new: Option<&Value>,
    map: &Map<'_>,
    errors: &mut TypeErrors,
) -> NodeComparison {
    let (left, right) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
    let empty = |side: Option<&serde_json::Map<String, Value>>| side.is_none_or(serde_json::Map::is_empty);
    if map.atomic || (empty(left) && empty(right)) {
        return NodeComparison::leaf(old, new);
    }
    let mut below = Comparison::default();
    let mut visit = |name: &str, old: Option<&Value>, new: Option<&Value>| {
        if old == new {
            return;
        }
        let Some(field) = map.field(name).or(map.element) else {
            errors.extend(invalid_atom().in_field(name));
            return;
        };
        let mut wrong = TypeErrors::default();
        let found = node(old, new, field, &mut wrong);
        errors.extend(wrong.in_field(name));
        if found.here != PathChange::Same || found.below != Comparison::default() {
            below.add(&PathElement::field(name), found);
        }
    };
    zip(left, right, &mut visit);
    granular(old, new, below)
}

/// Iterates over the fields of both maps in order, each once.
fn zip<'v>(
    left: Option<&'v serde_json::Map<String, Value>>,
    right: Option<&'v serde_json::Map<String, Value>>,
    visit: &mut impl FnMut(&str, Option<&'v Value>, Option<&'v Value>),
) {
    let mut left = left.into_iter().flatten().peekable();
    let mut right = right.into_iter().flatten().peekable();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let one = if order.is_le() { left.next() } else { None };
        let other = if order.is_ge() { right.next() } else { None };
        let name = one.or(other).map_or("", |(name, _)| name.as_str());
        visit(name, one.map(|(_, value)| value), other.map(|(_, value)| value));
    }
}

/// The items of a list; empty without a list.
fn items(side: Option<&Value>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The items with the same path element on both sides.
type ItemPair<'v> = (Vec<&'v Value>, Vec<&'v Value>);

fn list_node(
    old: Option<&Value>,
    new: Option<&Value>,
    list: &List<'_>,
    errors: &mut TypeErrors,
) -> NodeComparison {
    let (left, right) = (items(old), items(new));
    if list.items == ItemIdentity::Atomic || (left.is_empty() && right.is_empty()) {
        return NodeComparison::leaf(old, new);
    }
    let mut pairs: BTreeMap<PathElement, ItemPair<'_>> = BTreeMap::new();
    for (index, item) in left.iter().enumerate() {
        match element_of(list, item) {
            Ok(element) => pairs.entry(element).or_default().0.push(item),
            Err(why) => errors.extend(TypeErrors::one(format!("element {index}: {why}"))),
        }
    }
    for (index, item) in right.iter().enumerate() {
        match element_of(list, item) {
            Ok(element) => pairs.entry(element).or_default().1.push(item),
            Err(why) => errors.extend(TypeErrors::one(format!("element {index}: {why}"))),
        }
    }
    let mut below = Comparison::default();
    for (element, (old, new)) in pairs {
        let found = item(list, &element, &old, &new, errors);
        below.add(&element, found);
    }
    granular(old, new, below)
}

/// Compares the items of one path element. Duplicate items count as one atomic item.
fn item(
    list: &List<'_>,
    element: &PathElement,
    old: &[&Value],
    new: &[&Value],
    errors: &mut TypeErrors,
) -> NodeComparison {
    let mut one = |old: Option<&Value>, new: Option<&Value>| {
        let mut wrong = TypeErrors::default();
        let found = node(old, new, list.element, &mut wrong);
        errors.extend(wrong.below(element));
        found
    };
    match (old, new) {
        ([] | [_], [] | [_]) => one(old.first().copied(), new.first().copied()),
        ([_, _, ..], [_, _, ..]) => {
            let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal(old, new));
            NodeComparison {
                here: if same { PathChange::Same } else { PathChange::Modified },
                ..NodeComparison::default()
            }
        }
        // The path of the duplicate items is removed, and that of the single item may be added.
        ([_, _, ..], _) => {
            let mut found = new.first().map(|new| one(None, Some(new))).unwrap_or_default();
            found.also_removed = true;
            found
        }
        (_, [_, _, ..]) => {
            let mut found = old.first().map(|old| one(Some(old), None)).unwrap_or_default();
            found.also_added = true;
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::apply::field_set::shown;
    use crate::object::schema::structural::Structural;
    use serde_json::json;

    fn schema() -> Structural {
        Structural::parse(&json!({"type": "object", "properties": {
            "n": {"type": "integer"},
            "struct": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            "granular": {"type": "object", "additionalProperties": {"type": "string"}},
            "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "string"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "map": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer"}}}},
        }}))
    }

    #[track_caller]
    fn check(old: &Value, new: &Value, expected: [&[&str]; 3]) {
        let (schema, components) = (schema(), BTreeMap::<String, Structural>::new());
        let root = Structural {
            properties: BTreeMap::from([("o".to_owned(), schema)]),
            kind: Some(crate::object::schema::structural::Type::Object),
            ..Structural::default()
        };
        let value_type = ValueType::custom_resource(&components, &root);
        let found =
            compare(&json!({"o": old}), &json!({"o": new}), value_type).expect("both are of the type");
        let texts = |set: &FieldSet| {
            set.paths().iter().map(|path| shown(path).replacen(".o", "", 1)).collect::<Vec<_>>()
        };
        assert_eq!(
            [texts(&found.removed), texts(&found.modified), texts(&found.added)],
            expected,
            "{old} {new}"
        );
    }

    #[test]
    fn scalars_and_structs_are_compared_by_field() {
        check(&json!({"n": 1}), &json!({"n": 1.0}), [&[], &[], &[]]);
        check(&json!({"n": 1}), &json!({"n": 2}), [&[], &[".n"], &[]]);
        check(&json!({}), &json!({"struct": {"a": "x"}}), [&[], &[], &[".struct", ".struct.a"]]);
        check(
            &json!({"struct": {"a": "x", "b": "y"}}),
            &json!({"struct": {"a": "z"}}),
            [&[".struct.b"], &[".struct.a"], &[]],
        );
        check(&json!({"struct": {}}), &json!({"struct": {"a": "x"}}), [&[], &[], &[".struct.a"]]);
    }

    #[test]
    fn atomic_lists_and_maps_are_compared_as_a_whole() {
        check(&json!({"list": ["a"]}), &json!({"list": ["a", "b"]}), [&[], &[".list"], &[]]);
        check(&json!({"whole": {"a": "x"}}), &json!({"whole": {"b": "x"}}), [&[], &[".whole"], &[]]);
        check(
            &json!({"granular": {"a": "x"}}),
            &json!({"granular": {"b": "x"}}),
            [&[".granular.a"], &[], &[".granular.b"]],
        );
    }

    #[test]
    fn items_of_sets_and_list_maps_are_compared_individually() {
        check(
            &json!({"set": ["a", "b"]}),
            &json!({"set": ["b", "c"]}),
            [&[".set[=\"a\"]"], &[], &[".set[=\"c\"]"]],
        );
        let item = |k: &str, v: i32| json!({"k": k, "v": v});
        check(
            &json!({"map": [item("a", 1), item("b", 1)]}),
            &json!({"map": [item("b", 2)]}),
            [&[".map[k=\"a\"]", ".map[k=\"a\"].k", ".map[k=\"a\"].v"], &[".map[k=\"b\"].v"], &[]],
        );
    }

    #[test]
    fn duplicate_items_share_a_path() {
        check(
            &json!({"set": ["a", "a"]}),
            &json!({"set": ["a"]}),
            [&[".set[=\"a\"]"], &[], &[".set[=\"a\"]"]],
        );
        check(
            &json!({"set": ["a"]}),
            &json!({"set": ["a", "a"]}),
            [&[".set[=\"a\"]"], &[], &[".set[=\"a\"]"]],
        );
        check(&json!({"set": ["a", "a"]}), &json!({"set": ["a", "a", "a"]}), [&[], &[".set[=\"a\"]"], &[]]);
    }
}
