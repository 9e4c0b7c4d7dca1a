//! Sets of fields as `FieldsV1` encodes them: a tree whose keys are path elements.

use serde_json::Value;

use super::path::{PathElement, PathStep};

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// True if the field that the way here leads to is in the set.
    owned: bool,
    /// True if it is so as a leaf, as atomic values are.
    leaf: bool,
    children: Vec<(PathElement, FieldSet)>,
}

/// Coverage of a field by a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// The field, or something in it.
    Itself,
    /// A value around it: one that is atomic, or a map that was written without fields.
    Around,
}

impl FieldSet {
    /// Reads a set. Steps of a form that is not known are left out.
    pub(crate) fn parse(fields: &Value) -> Self {
        // The object as a whole is nobody's field.
        Self { owned: false, leaf: false, ..Self::below(fields) }
    }

    fn below(fields: &Value) -> Self {
        let fields = fields.as_object();
        let child = |(key, below): (&String, &Value)| Some((PathElement::parse(key)?, Self::below(below)));
        let children = fields.into_iter().flatten().filter_map(child).collect();
        let leaf = fields.is_some_and(serde_json::Map::is_empty);
        Self { owned: leaf || fields.is_some_and(|fields| fields.contains_key(".")), leaf, children }
    }

    /// The paths of all fields in the set.
    pub(crate) fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut found = Vec::new();
        self.add_paths(&mut Vec::new(), &mut found);
        found
    }

    fn add_paths(&self, way: &mut Vec<PathElement>, found: &mut Vec<Vec<PathElement>>) {
        if self.owned {
            found.push(way.clone());
        }
        for (element, below) in &self.children {
            way.push(element.clone());
            below.add_paths(way, found);
            way.pop();
        }
    }

    /// Coverage of the field at the end of these steps.
    pub(crate) fn covers(&self, steps: &[PathStep<'_>]) -> Option<Coverage> {
        let Some((step, rest)) = steps.split_first() else { return Some(Coverage::Itself) };
        match self.children.iter().find(|(element, _)| element.is(*step)) {
            Some((_, below)) => below.covers(rest),
            None => self.leaf.then_some(Coverage::Around),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::path::text;
    use super::*;

    fn set() -> FieldSet {
        FieldSet::parse(&json!({
            "f:spec": {
                ".": {},
                "f:replicas": {},
                "f:taints": {},
                "f:containers": {r#"k:{"name":"main"}"#: {".": {}, "f:name": {}, "f:image": {}}},
            },
            "x:unknown": {},
        }))
    }

    #[test]
    fn the_paths_of_leaves_and_of_what_has_a_dot_are_in_the_set() {
        let mut paths: Vec<_> = set().paths().iter().map(|path| text(path)).collect();
        paths.sort_unstable();
        let container = r#".spec.containers[name="main"]"#;
        let image = format!("{container}.image");
        let name = format!("{container}.name");
        assert_eq!(paths, [".spec", container, &image, &name, ".spec.replicas", ".spec.taints"]);
    }

    #[test]
    fn a_field_is_in_the_set_by_itself_by_what_is_in_it_or_by_an_atomic_value_around_it() {
        let (spec, main, other, taint) =
            (PathStep::Field("spec"), json!({"name": "main"}), json!({"name": "other"}), json!({"key": "a"}));
        let of = |rest: &[PathStep<'_>]| set().covers(&[&[spec], rest].concat());
        let (itself, around) = (Some(Coverage::Itself), Some(Coverage::Around));
        let containers = PathStep::Field("containers");
        assert_eq!((of(&[PathStep::Field("replicas")]), of(&[])), (itself, itself));
        assert_eq!(of(&[containers, PathStep::Item(4, &main), PathStep::Field("image")]), itself);
        assert_eq!(
            of(&[PathStep::Field("taints"), PathStep::Item(0, &taint), PathStep::Field("key")]),
            around
        );
        // The item is in the set, and another field of it is not.
        assert_eq!(of(&[containers, PathStep::Item(0, &main), PathStep::Field("args")]), None);
        assert_eq!(of(&[containers, PathStep::Item(0, &other), PathStep::Field("image")]), None);
        assert_eq!(of(&[PathStep::Field("paused")]), None);
    }
}
