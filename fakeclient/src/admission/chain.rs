//! The plugins in the order in which the server asks them.

use serde_json::Value;

use crate::error::ApiError;

use super::attributes::Attributes;
use super::plugin::Plugin;
use super::plugins::{
    certificates, classes, lifecycle, limit_range, node_taint, pod_security, priority, protection, quota,
    resize, runtime_class, tolerations, webhooks,
};

/// The plugins that kube-apiserver 1.37 turns on by itself, without `ServiceAccount`.
///
/// Left out because their feature gates are off or nothing here answers differently without them:
/// `PodGroupProtection`, `CertificateApproval`, `CertificateSigning` and `ClusterTrustBundleAttest` (they ask who may, and
/// everybody may), `PodTopologyLabels`, `NodeDeclaredFeatureValidator`, `PodResizeValidator`.
#[derive(Debug)]
pub(crate) struct Chain {
    plugins: Vec<Box<dyn Plugin>>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            plugins: vec![
                Box::new(lifecycle::NamespaceLifecycle),
                Box::new(limit_range::LimitRanger),
                Box::new(node_taint::TaintNodesByCondition),
                Box::new(pod_security::PodSecurity),
                Box::new(priority::Priority),
                Box::new(tolerations::DefaultTolerationSeconds),
                Box::new(classes::DefaultStorageClass),
                Box::new(protection::StorageObjectInUseProtection),
                Box::new(resize::PersistentVolumeClaimResize),
                Box::new(runtime_class::RuntimeClass),
                Box::new(certificates::CertificateSubjectRestriction),
                Box::new(classes::DefaultIngressClass),
                Box::new(webhooks::MutatingAdmissionPolicy),
                Box::new(webhooks::MutatingAdmissionWebhook),
                Box::new(webhooks::ValidatingAdmissionPolicy),
                Box::new(webhooks::ValidatingAdmissionWebhook),
                Box::new(quota::ResourceQuota),
            ],
        }
    }
}

impl Chain {
    /// Plugins that may change the object.
    pub(crate) fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        self.plugins.iter().try_for_each(|plugin| plugin.admit(attributes, object))
    }

    /// Plugins that may only refuse.
    pub(crate) fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        self.plugins.iter().try_for_each(|plugin| plugin.validate(attributes, object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_stand_in_the_servers_order() {
        let names: Vec<_> = Chain::default().plugins.iter().map(|plugin| format!("{plugin:?}")).collect();
        assert_eq!(
            names,
            [
                "NamespaceLifecycle",
                "LimitRanger",
                "TaintNodesByCondition",
                "PodSecurity",
                "Priority",
                "DefaultTolerationSeconds",
                "DefaultStorageClass",
                "StorageObjectInUseProtection",
                "PersistentVolumeClaimResize",
                "RuntimeClass",
                "CertificateSubjectRestriction",
                "DefaultIngressClass",
                "MutatingAdmissionPolicy",
                "MutatingAdmissionWebhook",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionWebhook",
                "ResourceQuota",
            ]
        );
    }
}
