//! `StorageObjectInUseProtection`: finalizers on new volumes, claims and volume attributes classes.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::{FieldAccess, object_mut, set};

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct StorageObjectInUseProtection;

impl Plugin for StorageObjectInUseProtection {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation != Operation::Create {
            return Ok(());
        }
        let finalizer = if attributes.is("", "persistentvolumes") {
            "kubernetes.io/pv-protection"
        } else if attributes.is("", "persistentvolumeclaims") {
            "kubernetes.io/pvc-protection"
        } else if attributes.is("storage.k8s.io", "volumeattributesclasses") {
            "kubernetes.io/vac-protection"
        } else {
            return Ok(());
        };
        let metadata = object_mut(object, "metadata");
        let mut finalizers = metadata.list("finalizers").to_vec();
        if !finalizers.iter().any(|known| known == finalizer) {
            finalizers.push(finalizer.into());
            set(metadata, "finalizers", finalizers);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create};
    use super::*;

    #[test]
    fn protection_finalizer_is_added_once() {
        let plugin = StorageObjectInUseProtection;
        let object = json!({"metadata": {"name": "c"}});
        let claim =
            create(&plugin, "persistentvolumeclaims", object, &StoredObjects::default()).expect("a claim");
        assert_eq!(claim["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
        assert_eq!(
            create(&plugin, "persistentvolumeclaims", claim.clone(), &StoredObjects::default()),
            Ok(claim)
        );
    }
}
