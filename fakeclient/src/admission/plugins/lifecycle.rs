//! `NamespaceLifecycle`: rejection of creates in absent or terminating namespaces, and of deletes of system namespaces.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::{ApiError, StatusCause};

/// Namespaces that cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct NamespaceLifecycle;

impl Plugin for NamespaceLifecycle {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        let resource = attributes.resource;
        if resource.group.is_empty() && resource.plural == "namespaces" {
            if attributes.operation == Operation::Delete && IMMORTAL.contains(&attributes.name) {
                return Err(attributes.forbidden(object, "this namespace may not be deleted"));
            }
            return Ok(());
        }
        let review = resource.plural == "localsubjectaccessreviews";
        if attributes.operation != Operation::Create || attributes.namespace.is_empty() || review {
            return Ok(());
        }
        let namespace = attributes.namespace;
        let Some(stored) = attributes.store_view.get("namespaces", "", namespace) else {
            return Err(ApiError::not_found("", "namespaces", namespace));
        };
        if stored["status"]["phase"] != "Terminating" {
            return Ok(());
        }
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = attributes.forbidden(object, &why);
        error.details.get_or_insert_default().causes.push(StatusCause {
            reason: "NamespaceTerminating".to_owned(),
            message: format!("namespace {namespace} is being terminated"),
            field: "metadata.namespace".to_owned(),
        });
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, resource, run};
    use super::*;

    fn namespace(phase: &str) -> StoredObjects {
        StoredObjects::default()
            .with("namespaces", json!({"metadata": {"name": "default"}, "status": {"phase": phase}}))
    }

    #[test]
    fn create_in_absent_namespace_is_rejected() {
        let object = json!({"metadata": {"name": "a"}});
        let error = create(&NamespaceLifecycle, "configmaps", object.clone(), &StoredObjects::default());
        assert_eq!(error.expect_err("no namespace").message, "namespaces \"default\" not found");
        assert!(create(&NamespaceLifecycle, "configmaps", object, &namespace("Active")).is_ok());
    }

    #[test]
    fn create_in_terminating_namespace_is_rejected() {
        let object = json!({"metadata": {"generateName": "a-"}});
        let error = create(&NamespaceLifecycle, "configmaps", object, &namespace("Terminating"))
            .expect_err("the namespace is going");
        assert_eq!(
            error.message,
            "configmaps \"a-\" is forbidden: unable to create new content in namespace default because it is being terminated"
        );
        let status = error.to_status();
        assert_eq!(
            status["details"]["causes"],
            json!([{"reason": "NamespaceTerminating", "message": "namespace default is being terminated", "field": "metadata.namespace"}])
        );
    }

    #[test]
    fn system_namespaces_cannot_be_deleted() {
        for (name, stays) in [("default", true), ("kube-public", true), ("kube-node-lease", false)] {
            let object = json!({"metadata": {"name": name}});
            let namespaces = resource("namespaces", false);
            let answer = run(
                &NamespaceLifecycle,
                Operation::Delete,
                &namespaces,
                object,
                None,
                &StoredObjects::default(),
            );
            assert_eq!(answer.is_err(), stays, "{name}");
        }
    }
}
