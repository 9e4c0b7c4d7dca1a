//! Namespace: the `kubernetes` finalizer, the name label, and the phase.

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::names::finalizer;
use crate::object::names::NameRule;
use crate::object::view::fields::{FieldAccess, copy, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// The label with the namespace's name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// `namespaces`
#[derive(Debug)]
pub(crate) struct Namespace;

impl Strategy for Namespace {
    fn name_rule(&self) -> NameRule {
        NameRule::DnsLabel
    }

    fn apply_defaults(&self, object: &mut Value) {
        let name = object["metadata"].text("name").to_owned();
        if !name.is_empty() {
            set(object_mut(object_mut(object, "metadata"), "labels"), NAME_LABEL, name);
        }
        set_default(object_mut(object, "status"), "phase", "Active");
    }
}

impl CreateStrategy for Namespace {
    fn prepare_create(&self, object: &mut Value) {
        set(object, "status", json!({"phase": "Active"}));
        let spec = object_mut(object, "spec");
        let mut finalizers = spec.list("finalizers").to_vec();
        if !finalizers.contains(&json!("kubernetes")) {
            finalizers.push(json!("kubernetes"));
        }
        set(spec, "finalizers", finalizers);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        finalizers_of(object, |path, _| path.clone())
    }
}

impl UpdateStrategy for Namespace {
    fn prepare_update(&self, object: &mut Value, old: &Value) {
        copy(&old["spec"], object_mut(object, "spec"), "finalizers");
        copy(old, object, "status");
    }

    fn validate_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        finalizers_of(object, |path, _| path.clone())
    }
}

impl StatusStrategy for Namespace {
    fn validate_finalize_update(&self, object: &Value) -> Vec<FieldError> {
        // The path of an error ends in the finalizer's index.
        finalizers_of(object, Path::index)
    }

    fn validate_status_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        let phase = object["status"].text("phase");
        let (expected, when) = if object["metadata"].has("deletionTimestamp") {
            ("Terminating", "is not empty")
        } else {
            ("Active", "is empty")
        };
        if phase == expected {
            return Vec::new();
        }
        let why = format!("may only be '{expected}' if `deletionTimestamp` {when}");
        // The server's path has this capital letter.
        vec![FieldError::invalid("status.Phase", phase.into(), why)]
    }
}

impl DeleteStrategy for Namespace {
    fn begin_deletion(&self, object: &mut Value, now: &str) -> bool {
        if object["spec"].list("finalizers").is_empty() {
            return false;
        }
        set(object_mut(object, "metadata"), "deletionTimestamp", now);
        set(object_mut(object, "status"), "phase", "Terminating");
        true
    }

    fn keeps_object(&self, object: &Value) -> bool {
        !object["spec"].list("finalizers").is_empty()
    }
}

fn finalizers_of(object: &Value, place: impl Fn(&Path, usize) -> Path) -> Vec<FieldError> {
    let path = Path::new("spec.finalizers");
    let all = object["spec"].list("finalizers").iter().enumerate();
    all.flat_map(|(i, name)| finalizer(name.as_str().unwrap_or_default(), &place(&path, i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::texts;

    #[test]
    fn new_namespace_is_active_with_the_kubernetes_finalizer() {
        let mut object = json!({
            "metadata": {"name": "n1", "labels": {"kubernetes.io/metadata.name": "zz"}},
            "spec": {"finalizers": ["ex.com/a"]}, "status": {"phase": "Terminating"},
        });
        Namespace.prepare_create(&mut object);
        Namespace.apply_defaults(&mut object);
        assert_eq!(
            object,
            json!({
                "metadata": {"name": "n1", "labels": {"kubernetes.io/metadata.name": "n1"}},
                "spec": {"finalizers": ["ex.com/a", "kubernetes"]}, "status": {"phase": "Active"},
            })
        );
    }

    #[test]
    fn update_keeps_finalizers_and_status() {
        let old = json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        let mut new = json!({"spec": {"finalizers": []}, "status": {"phase": "Terminating"}});
        Namespace.prepare_update(&mut new, &old);
        assert_eq!(new, old);
    }

    #[test]
    fn finalize_errors_contain_the_index() {
        let object = json!({"spec": {"finalizers": ["foo", "ex.com/a", "bad/x y"]}});
        assert_eq!(
            texts(&Namespace.validate_finalize_update(&object))[0],
            "spec.finalizers[0]: Invalid value: \"foo\": name is neither a standard finalizer name nor is it fully qualified"
        );
        assert!(texts(&Namespace.validate_finalize_update(&object))[1].starts_with("spec.finalizers[2]: "));
        assert!(texts(&Namespace.validate_create(&object))[0].starts_with("spec.finalizers: "));
    }

    #[test]
    fn phase_is_terminating_after_a_delete() {
        let alive = json!({"metadata": {}, "status": {"phase": "Terminating"}});
        assert_eq!(
            texts(&Namespace.validate_status_update(&alive, &alive)),
            [
                "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
            ]
        );
        let dying =
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Active"}});
        assert_eq!(
            texts(&Namespace.validate_status_update(&dying, &dying)),
            [
                "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"
            ]
        );
    }
}
