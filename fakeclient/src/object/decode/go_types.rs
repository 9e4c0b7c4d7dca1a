//! Facts about the Go types of built-in kinds that schemas do not contain, but that affect the printed form: pointers,
//! fields without `omitempty`, and type names in error messages.
//!
//! `data/go_types.json` contains, by component and field, `*` for a pointer (or a map that
//! the kind's rules compare as Go's `reflect.DeepEqual` does), `z` for a struct with `omitzero`,
//! `=VALUE;` for the value printed for an absent field, `:TYPE` for a named type, `@NAME` for the embedded struct of
//! the field. An unlisted field has `omitempty`. The facts come from the Kubernetes 1.37.2 API types.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::Value;

const DATA: &str = include_str!("../../../data/go_types.json");

/// Facts about one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldFacts {
    /// True if empty and absent values differ.
    pub(crate) pointer: bool,
    /// The value printed for an absent field.
    pub(crate) always: Option<Value>,
    /// Name of the Go type, if the schema does not determine it.
    pub(crate) named: Option<String>,
    /// Name of the embedded struct with the field.
    pub(crate) embedded: Option<String>,
}

/// Facts about a component by field.
pub(crate) type Facts = BTreeMap<String, FieldFacts>;

/// Facts about a component; empty if it is not built in.
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
    fn well_known_fields_have_facts() {
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
