//! `PersistentVolumeClaimResize`: rejection of growing claims that are unbound or whose class forbids expansion.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct PersistentVolumeClaimResize;

impl Plugin for PersistentVolumeClaimResize {
    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        let Some(old) = attributes.old else { return Ok(()) };
        if attributes.operation != Operation::Update || !attributes.is("", "persistentvolumeclaims") {
            return Ok(());
        }
        let size = |claim: &Value| {
            let text = claim["spec"]["resources"]["requests"].text("storage");
            Quantity::parse(if text.is_empty() { "0" } else { text }).ok()
        };
        let grows = matches!((size(object), size(old)), (Some(new), Some(old)) if new.compare(&old).is_gt());
        if !grows {
            return Ok(());
        }
        if old["status"].text("phase") != "Bound" {
            return Err(attributes.forbidden(object, "Only bound persistent volume claims can be expanded"));
        }
        let (class, old_class) =
            (object["spec"].text("storageClassName"), old["spec"].text("storageClassName"));
        let stored = attributes.store_view.get("storageclasses.storage.k8s.io", "", class);
        let allowed = stored.is_some_and(|class| class.flag("allowVolumeExpansion") == Some(true));
        if class.is_empty() || class != old_class || !allowed {
            let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc \
                       must support resize";
            return Err(attributes.forbidden(object, why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, resource, run};
    use super::*;

    #[test]
    fn bound_claim_grows_if_its_class_allows_expansion() {
        let claim = |size: &str, phase: &str| {
            json!({"metadata": {"name": "c"}, "status": {"phase": phase},
                "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}})
        };
        let class = json!({"metadata": {"name": "fast"}, "allowVolumeExpansion": true});
        let stored = StoredObjects::default().with("storageclasses.storage.k8s.io", class);
        let grow = |phase: &str, stored: &StoredObjects| {
            let claims = resource("persistentvolumeclaims", true);
            let (new, old) = (claim("2Gi", phase), claim("1Gi", phase));
            run(&PersistentVolumeClaimResize, Operation::Update, &claims, new, Some(&old), stored)
        };
        assert!(grow("Bound", &stored).is_ok());
        assert_eq!(
            grow("Pending", &stored).expect_err("not bound").message,
            "persistentvolumeclaims \"c\" is forbidden: Only bound persistent volume claims can be expanded"
        );
        assert_eq!(grow("Bound", &StoredObjects::default()).expect_err("no class").code, 403);
    }
}
