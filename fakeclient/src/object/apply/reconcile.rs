//! Reconciliation of field sets with a changed schema: fields that became atomic are owned as a whole.

use super::field_set::{FieldSet, FieldSetNode};
use super::path_element::PathElement;
use super::value_type::{Atom, ItemIdentity, ValueType};

/// The set for the current type; `None` if it is unchanged.
pub(super) fn reconcile(set: &FieldSet, value_type: ValueType<'_>) -> Option<FieldSet> {
    let mut changes = SchemaChanges::default();
    changes.visit(Some(set), value_type, false, &mut Vec::new());
    if changes.whole.is_empty() {
        return None;
    }
    Some(set.recursive_difference(&changes.whole).union(&changes.whole))
}

#[derive(Default)]
struct SchemaChanges {
    /// Paths that are owned as a whole now.
    whole: FieldSet,
}

impl SchemaChanges {
    /// `set` contains the members below the path; `leaf` is true if the path itself is a member without members below.
    fn visit(&mut self, set: Option<&FieldSet>, of: ValueType<'_>, leaf: bool, path: &mut Vec<PathElement>) {
        match of.resolve() {
            Atom { map: Some(map), .. } => {
                if map.deduced {
                    return;
                }
                if !leaf && map.atomic {
                    if set.is_some_and(|set| !set.is_empty()) {
                        self.whole.insert(path);
                    }
                    return;
                }
                for node in set.into_iter().flat_map(FieldSet::nodes) {
                    let named = match &node.element {
                        PathElement::Field(name) => map.field(name),
                        _ => None,
                    };
                    if let Some(below) = named.or(map.element) {
                        self.step(node, below, path);
                    }
                }
            }
            Atom { scalar: Some(_), .. } => {}
            Atom { list: Some(list), .. } => {
                if !leaf && list.items == ItemIdentity::Atomic {
                    self.whole.insert(path);
                    return;
                }
                for node in set.into_iter().flat_map(FieldSet::nodes) {
                    self.step(node, list.element, path);
                }
            }
            Atom { .. } => {}
        }
    }

    fn step(&mut self, node: &FieldSetNode, of: ValueType<'_>, path: &mut Vec<PathElement>) {
        path.push(node.element.clone());
        let below = Some(&node.children).filter(|children| !children.is_empty());
        self.visit(below, of, node.member && below.is_none(), path);
        path.pop();
    }
}
