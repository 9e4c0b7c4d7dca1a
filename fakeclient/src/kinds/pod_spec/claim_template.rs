//! Claim templates of ephemeral volumes.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::labels;
use crate::kinds::rules::names::dns_subdomain;
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

/// Errors of the template's metadata and spec.
pub(super) fn check(path: &Path, template: &Value) -> Vec<FieldError> {
    let (metadata, at) = (&template["metadata"], path.child("metadata"));
    let mut errors = labels::map(&at.child("labels"), &metadata["labels"]);
    for (key, value) in template.entries("metadata") {
        if !["labels", "annotations"].contains(&key) && !value.is_null() {
            errors.push(FieldError::forbidden(at.child(key), "cannot be set"));
        }
    }
    errors.extend(spec(&path.child("spec"), &template["spec"]));
    errors
}

fn spec(path: &Path, spec: &Value) -> Vec<FieldError> {
    let (modes, at) = (spec.list("accessModes"), path.child("accessModes"));
    let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    let mut errors = Vec::new();
    if modes.is_empty() {
        errors.push(FieldError::required(&at, "at least 1 access mode is required"));
    }
    errors.extend(labels::selector(&path.child("selector"), &spec["selector"]));
    let is_known = |mode: &&Value| mode.as_str().is_some_and(|mode| known.contains(&mode));
    for mode in modes.iter().filter(|mode| !is_known(mode)) {
        errors.push(FieldError::not_supported(&at, mode.clone(), &known));
    }
    let alone = |mode: &&Value| *mode == "ReadWriteOncePod";
    if modes.iter().any(|mode| alone(&mode)) && modes.iter().filter(is_known).any(|mode| !alone(&mode)) {
        errors.push(FieldError::forbidden(&at, "may not use ReadWriteOncePod with other access modes"));
    }
    errors
        .extend(storage(&path.child("resources").key("storage"), &spec["resources"]["requests"]["storage"]));
    let class = spec.text("storageClassName");
    if !class.is_empty() {
        errors.extend(invalid_each(&path.child("storageClassName"), class, dns_subdomain(class)));
    }
    let kinds = ["Block", "Filesystem"];
    if spec.has("volumeMode") && !kinds.contains(&spec.text("volumeMode")) {
        let kind = spec.text("volumeMode").into();
        errors.push(FieldError::not_supported(path.child("volumeMode"), kind, &kinds));
    }
    errors
}

fn storage(path: &Path, value: &Value) -> Option<FieldError> {
    let Some(amount) = value.as_str().and_then(|text| Quantity::parse(text).ok()) else {
        return Some(FieldError::required(path, ""));
    };
    (amount.milli() <= 0)
        .then(|| FieldError::invalid(path, amount.canonical().into(), "must be greater than zero"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn template_requires_storage_and_access_modes_and_forbids_name() {
        let template =
            json!({"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]}});
        let errors = check(&Path::new("t"), &template);
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "t.metadata.name: Forbidden: cannot be set",
                "t.spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
                "t.spec.resources[storage]: Required value",
            ]
        );
    }
}
