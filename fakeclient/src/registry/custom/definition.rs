//! Strategy of `customresourcedefinitions.apiextensions.k8s.io`: defaults, reset fields, and the validation of `check`.
//!
//! `resources` derives the served resources of a definition, `establish` its conditions.

use serde_json::{Value, json};

use super::check::{approval, spec, stored};
use super::establish;
use crate::error::field::FieldError;
use crate::object::view::fields::{FieldAccess, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `CustomResourceDefinition`.
#[derive(Debug)]
pub(crate) struct CustomResourceDefinition;

impl Strategy for CustomResourceDefinition {
    fn has_apiextensions_validation(&self) -> bool {
        true
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        let names = object_mut(spec, "names");
        let kind = names.text("kind").to_owned();
        set_default(names, "singular", kind.to_lowercase());
        if !kind.is_empty() {
            set_default(names, "listKind", format!("{kind}List"));
        }
        if !spec.has("conversion") {
            set(spec, "conversion", json!({"strategy": "None"}));
        }
        if let Some(service) = spec.pointer_mut("/conversion/webhook/clientConfig/service") {
            set_default(service, "port", 443);
        }
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        spec::warnings(&object["spec"])
    }
}

impl CreateStrategy for CustomResourceDefinition {
    fn prepare_create(&self, object: &mut Value) {
        let empty =
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null});
        set(object, "status", empty);
        store_version(object);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let name = object["metadata"].text("name");
        let spec = &object["spec"];
        if name != format!("{}.{}", spec["names"].text("plural"), spec.text("group")) {
            let why = "must be spec.names.plural+\".\"+spec.group";
            errors.push(FieldError::invalid("metadata.name", name.into(), why));
        }
        errors.extend(spec::check(spec));
        errors.extend(status_errors(object));
        errors.extend(approval::check(object, None));
        errors.extend(preserve_errors(spec, None));
        errors
    }
}

impl UpdateStrategy for CustomResourceDefinition {
    fn unconditional_update(&self) -> bool {
        false
    }

    fn prepare_update(&self, object: &mut Value, old: &Value) {
        set(object, "status", old["status"].clone());
        store_version(object);
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let (spec, old_spec) = (&object["spec"], &old["spec"]);
        let mut errors = spec::check(spec);
        let established = establish::has_condition(old, "Established");
        errors.extend(spec::check_immutable(spec, old_spec, established));
        errors.extend(status_errors(object));
        errors.extend(approval::check(object, Some(old)));
        errors.extend(preserve_errors(spec, Some(old_spec)));
        errors
    }
}

impl StatusStrategy for CustomResourceDefinition {
    fn prepare_status_update(&self, object: &mut Value, old: &Value) {
        set(object, "spec", old["spec"].clone());
    }

    fn validate_status_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        spec::check_accepted_names(&object["status"])
    }
}

impl DeleteStrategy for CustomResourceDefinition {
    fn begin_deletion(&self, object: &mut Value, now: &str) -> bool {
        establish::mark_deleted(object, now);
        true
    }
}

/// Adds the storage version to `status.storedVersions`.
fn store_version(object: &mut Value) {
    let storage = object["spec"]
        .list("versions")
        .iter()
        .find(|v| v.flag("storage") == Some(true))
        .map(|v| v.text("name"));
    let Some(storage) = storage.map(str::to_owned) else { return };
    let status = object_mut(object, "status");
    let mut versions = status.list("storedVersions").to_vec();
    if !versions.iter().any(|v| v == storage.as_str()) {
        versions.push(storage.into());
        set(status, "storedVersions", versions);
    }
}

fn status_errors(object: &Value) -> Vec<FieldError> {
    let mut errors = spec::check_accepted_names(&object["status"]);
    errors.extend(stored::check(object["status"].list("storedVersions"), object["spec"].list("versions")));
    errors
}

fn preserve_errors(spec: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let set = |spec: &Value| spec.flag("preserveUnknownFields") == Some(true);
    if !set(spec) || old.is_some_and(set) {
        return Vec::new();
    }
    let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    vec![FieldError::invalid("spec.preserveUnknownFields", true.into(), why)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Value {
        json!({"metadata": {"name": "things.t.example.com"}, "spec": {"group": "t.example.com", "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
    }

    fn created(mut object: Value) -> (Value, Vec<String>) {
        CustomResourceDefinition.prepare_create(&mut object);
        CustomResourceDefinition.apply_defaults(&mut object);
        let errors = CustomResourceDefinition.validate_create(&object);
        (object, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn minimal_definition_gets_defaults() {
        let (object, errors) = created(definition());
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            object["spec"]["names"],
            json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"})
        );
        assert_eq!(object["spec"]["conversion"], json!({"strategy": "None"}));
        assert_eq!(
            object["status"],
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]})
        );
    }

    #[test]
    fn name_is_plural_and_group() {
        let mut object = definition();
        object["metadata"]["name"] = "x.y".into();
        let expected = r#"metadata.name: Invalid value: "x.y": must be spec.names.plural+"."+spec.group"#;
        assert_eq!(created(object).1, [expected]);
    }

    #[test]
    fn new_storage_version_is_added_to_stored_versions() {
        let (old, _) = created(definition());
        let mut new = old.clone();
        new["spec"]["versions"][0]["storage"] = false.into();
        let mut second = old["spec"]["versions"][0].clone();
        second["name"] = "v2".into();
        new["spec"]["versions"].as_array_mut().unwrap().push(second);
        CustomResourceDefinition.prepare_update(&mut new, &old);
        assert_eq!(new["status"]["storedVersions"], json!(["v1", "v2"]));
        assert_eq!(CustomResourceDefinition.validate_update(&new, &old), []);
    }

    #[test]
    fn kind_and_scope_are_mutable_until_established() {
        let (mut old, _) = created(definition());
        let mut new = old.clone();
        new["spec"]["scope"] = "Namespaced".into();
        assert_eq!(CustomResourceDefinition.validate_update(&new, &old), []);
        old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
        let errors = CustomResourceDefinition.validate_update(&new, &old);
        assert_eq!(errors[0].to_string(), "spec.scope: Invalid value: \"Namespaced\": field is immutable");
    }

    #[test]
    fn preserve_unknown_fields_is_rejected() {
        let mut object = definition();
        object["spec"]["preserveUnknownFields"] = true.into();
        let expected = "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set \
            x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        assert_eq!(created(object).1, [expected]);
    }
}
