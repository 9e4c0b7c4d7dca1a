//! What the schemas do not say about the Go types behind built-in kinds, and what decides how an object prints: which
//! fields are pointers, which are printed when they are empty, and the names of types in error texts.
//!
//! `data/go_types.json` has, by component and field, `*` for a pointer, `z` for a struct left out when it is empty,
//! `=VALUE;` for what is printed in place of nothing, `:TYPE` for a named type, `@NAME` for the embedded struct that
//! holds the field. A field that is not listed is a plain one that is left out when it is empty. The facts were read
//! off the Kubernetes 1.37.2 API types.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

const DATA: &str = include_str!("../../../data/go_types.json");

/// The facts about one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldFacts {
    /// Empty and absent differ.
    pub(crate) pointer: bool,
    /// Printed instead of an absent value.
    pub(crate) always: Option<Value>,
    /// The Go type's name where the schema does not give it.
    pub(crate) named: Option<String>,
    /// The embedded struct that has the field.
    pub(crate) embedded: Option<String>,
}

/// The facts about one component, by field.
pub(crate) type Facts = BTreeMap<String, FieldFacts>;

/// The facts about a component; none for one that is not built in.
pub(crate) fn facts(component: &str) -> &'static Facts {
    static NONE: Facts = Facts::new();
    static ALL: LazyLock<HashMap<String, Facts>> = LazyLock::new(|| {
        let data: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(DATA).expect("data/go_types.json maps components to fields to text");
        let facts = |fields: BTreeMap<String, String>| {
            fields.into_iter().map(|(field, text)| (field, FieldFacts::read(&text))).collect()
        };
        data.into_iter().map(|(component, fields)| (component, facts(fields))).collect()
    });
    ALL.get(component).unwrap_or(&NONE)
}

impl FieldFacts {
    fn read(text: &str) -> Self {
        let (text, embedded) = match text.split_once('@') {
            Some((text, name)) => (text, Some(name.to_owned())),
            None => (text, None),
        };
        let (text, always) = match text.split_once('=') {
            Some((flags, rest)) => {
                let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
                let value = serde_json::from_str(value).expect("what is always printed is JSON");
                (format!("{flags}{rest}"), Some(value))
            }
            None => (text.to_owned(), None),
        };
        let (flags, named) = match text.split_once(':') {
            Some((flags, name)) => (flags, Some(name.to_owned())),
            None => (text.as_str(), None),
        };
        Self { pointer: flags.contains('*'), always, named, embedded }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_facts_of_well_known_fields_are_there() {
        let deployment = facts("io.k8s.api.apps.v1.DeploymentSpec");
        assert!(deployment["replicas"].pointer);
        assert_eq!(deployment["strategy"].always, Some(json!({})));
        let container = facts("io.k8s.api.core.v1.Container");
        assert_eq!(container["imagePullPolicy"].named.as_deref(), Some("v1.PullPolicy"));
        assert_eq!(container["name"].always, Some(json!("")));
        let probe = facts("io.k8s.api.core.v1.Probe");
        assert_eq!(probe["httpGet"].embedded.as_deref(), Some("ProbeHandler"));
        assert!(facts("io.example.Custom").is_empty());
    }
}
