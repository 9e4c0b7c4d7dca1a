//! Paths of fields in the form of Kubernetes' conflict messages:
//! `.spec.template.spec.containers[name="main"].image`.

use std::fmt;

use serde_json::{Map, Value};

/// One step of a field's path, as `FieldsV1` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathElement {
    /// `f:spec`: a field of an object.
    Field(String),
    /// `k:{"name":"main"}`: the item of a list with these keys.
    Key(Map<String, Value>),
    /// `v:"example.com/finalizer"`: an item of a set.
    Value(Value),
    /// `i:0`: an item by its place.
    Index(usize),
}

/// One step from a JSON value into a part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PathStep<'v> {
    Field(&'v str),
    /// An item of a list, with its place.
    Item(usize, &'v Value),
}

impl PathElement {
    /// Reads a key of `FieldsV1`; nothing for one that is not known.
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let (form, text) = key.split_once(':')?;
        match form {
            "f" => Some(Self::Field(text.to_owned())),
            "k" => serde_json::from_str(text).ok().map(Self::Key),
            "v" => serde_json::from_str(text).ok().map(Self::Value),
            "i" => text.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// True if this is the step.
    pub(crate) fn is(&self, step: PathStep<'_>) -> bool {
        match (self, step) {
            (Self::Field(name), PathStep::Field(other)) => name == other,
            (Self::Key(keys), PathStep::Item(_, item)) => {
                keys.iter().all(|(key, value)| item.get(key) == Some(value))
            }
            (Self::Value(value), PathStep::Item(_, item)) => value == item,
            (Self::Index(index), PathStep::Item(at, _)) => *index == at,
            _ => false,
        }
    }

    /// The part of a value that the step leads to.
    fn part<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Field(name) => value.get(name),
            _ => value
                .as_array()?
                .iter()
                .enumerate()
                .find(|(at, item)| self.is(PathStep::Item(*at, item)))
                .map(|(_, item)| item),
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let mut keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                keys.sort_unstable();
                write!(f, "[{}]", keys.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A field's path as text.
pub(crate) fn text(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

/// The value at a path.
pub(crate) fn value_at<'v>(path: &[PathElement], object: &'v Value) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, element| element.part(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(keys: &[&str]) -> Vec<PathElement> {
        keys.iter().map(|key| PathElement::parse(key).unwrap()).collect()
    }

    #[test]
    fn a_path_is_reported_as_in_a_conflict() {
        let told = |keys: &[&str]| text(&path(keys));
        assert_eq!(
            told(&[
                "f:spec",
                "f:containers",
                r#"k:{"name":"main"}"#,
                "f:ports",
                r#"k:{"protocol":"TCP","containerPort":80}"#
            ]),
            r#".spec.containers[name="main"].ports[containerPort=80,protocol="TCP"]"#
        );
        assert_eq!(told(&["f:metadata", "f:finalizers", r#"v:"a/b""#]), r#".metadata.finalizers[="a/b"]"#);
        assert_eq!(
            told(&["f:metadata", "f:labels", "f:app.kubernetes.io/name"]),
            ".metadata.labels.app.kubernetes.io/name"
        );
        assert_eq!(told(&["f:list", "i:3"]), ".list[3]");
    }

    #[test]
    fn unknown_path_elements_are_skipped() {
        for key in [".", "f", "x:y", "k:{", "i:one"] {
            assert_eq!(PathElement::parse(key), None, "{key}");
        }
    }

    #[test]
    fn a_value_is_found_by_field_key_value_and_place() {
        let object = json!({"ports": [{"port": 1, "name": "a"}, {"port": 2, "name": "b"}], "set": ["x", "y"], "list": [7]});
        assert_eq!(value_at(&path(&["f:ports", r#"k:{"port":2}"#, "f:name"]), &object), Some(&json!("b")));
        assert_eq!(value_at(&path(&["f:set", r#"v:"y""#]), &object), Some(&json!("y")));
        assert_eq!(value_at(&path(&["f:list", "i:0"]), &object), Some(&json!(7)));
        assert_eq!(value_at(&path(&["f:ports", r#"k:{"port":3}"#]), &object), None);
    }
}
