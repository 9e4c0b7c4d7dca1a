//! `DefaultStorageClass` and `DefaultIngressClass`: the newest default class, for objects that name none.

use std::cmp::Reverse;

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::{FieldAccess, object_mut, set};

/// Sets the class of `PersistentVolumeClaims`.
#[derive(Debug)]
pub(crate) struct DefaultStorageClass;

/// Sets the class of Ingresses.
#[derive(Debug)]
pub(crate) struct DefaultIngressClass;

impl Plugin for DefaultStorageClass {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        let asked = object["spec"].has("storageClassName")
            || object["metadata"]["annotations"].has("volume.beta.kubernetes.io/storage-class");
        if attributes.operation == Operation::Create && attributes.is("", "persistentvolumeclaims") && !asked
        {
            let marks = [
                "storageclass.kubernetes.io/is-default-class",
                "storageclass.beta.kubernetes.io/is-default-class",
            ];
            set_default_class(
                attributes,
                object,
                "storageclasses.storage.k8s.io",
                &marks,
                "storageClassName",
            );
        }
        Ok(())
    }
}

impl Plugin for DefaultIngressClass {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        let asked = object["spec"].has("ingressClassName")
            || object["metadata"]["annotations"].has("kubernetes.io/ingress.class");
        if attributes.operation == Operation::Create
            && attributes.is("networking.k8s.io", "ingresses")
            && !asked
        {
            let marks = ["ingressclass.kubernetes.io/is-default-class"];
            set_default_class(
                attributes,
                object,
                "ingressclasses.networking.k8s.io",
                &marks,
                "ingressClassName",
            );
        }
        Ok(())
    }
}

fn set_default_class(
    attributes: &Attributes<'_>,
    object: &mut Value,
    classes: &str,
    marks: &[&str],
    key: &str,
) {
    let marked =
        |class: &&Value| marks.iter().any(|mark| class["metadata"]["annotations"].text(mark) == "true");
    let age = |class: &&Value| {
        let metadata = &class["metadata"];
        (Reverse(metadata.text("creationTimestamp").to_owned()), metadata.text("name").to_owned())
    };
    if let Some(class) = attributes.store_view.list(classes, None).filter(marked).min_by_key(age) {
        let name = class["metadata"].text("name").to_owned();
        set(object_mut(object, "spec"), key, name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create};
    use super::*;

    #[test]
    fn newest_default_class_is_set() {
        let class = |name: &str, created: &str, default: &str| {
            let annotations = json!({"storageclass.kubernetes.io/is-default-class": default});
            json!({"metadata": {"name": name, "creationTimestamp": created, "annotations": annotations}})
        };
        let kind = "storageclasses.storage.k8s.io";
        let stored = StoredObjects::default()
            .with(kind, class("old", "2026-01-01T00:00:00Z", "true"))
            .with(kind, class("new", "2026-02-01T00:00:00Z", "true"))
            .with(kind, class("newest", "2026-03-01T00:00:00Z", "false"));
        let given = |spec: Value, stored: &StoredObjects| {
            let claim = json!({"metadata": {"name": "c"}, "spec": spec});
            let claim = create(&DefaultStorageClass, "persistentvolumeclaims", claim, stored);
            claim.expect("a claim")["spec"]["storageClassName"].clone()
        };
        assert_eq!(given(json!({}), &stored), "new");
        assert_eq!(given(json!({"storageClassName": ""}), &stored), "");
        assert_eq!(given(json!({}), &StoredObjects::default()), Value::Null);
    }
}
