//! The admission chain: all plugins, in kube-apiserver's order.

use serde_json::Value;

use crate::error::ApiError;

use super::attributes::Attributes;
use super::plugin::{Plugin, RemotePlugin};
use super::plugins::{
    certificates, classes, lifecycle, limit_range, node_taint, pod_security, policies, priority, protection,
    quota, resize, runtime_class, tolerations, webhooks,
};
use super::webhook::reinvocation::Reinvocation;

/// The plugins that kube-apiserver 1.37 enables by default, without `ServiceAccount`.
///
/// Left out because their feature gates are off, or because they would change no response: `PodGroupProtection`,
/// `CertificateApproval`, `CertificateSigning` and `ClusterTrustBundleAttest` (they check permissions, and every user
/// has all of them), `PodTopologyLabels`, `NodeDeclaredFeatureValidator`, `PodResizeValidator`.
#[derive(Debug)]
pub(crate) struct Chain {
    plugins: Vec<ChainPlugin>,
}

/// One plugin of the chain.
#[derive(Debug)]
enum ChainPlugin {
    Local(Box<dyn Plugin>),
    Remote(Box<dyn RemotePlugin>),
}

impl Default for Chain {
    fn default() -> Self {
        fn local(plugin: impl Plugin + 'static) -> ChainPlugin {
            ChainPlugin::Local(Box::new(plugin))
        }
        fn remote(plugin: impl RemotePlugin + 'static) -> ChainPlugin {
            ChainPlugin::Remote(Box::new(plugin))
        }
        Self {
            plugins: vec![
                local(lifecycle::NamespaceLifecycle),
                local(limit_range::LimitRanger),
                local(node_taint::TaintNodesByCondition),
                local(pod_security::PodSecurity),
                local(priority::Priority),
                local(tolerations::DefaultTolerationSeconds),
                local(classes::DefaultStorageClass),
                local(protection::StorageObjectInUseProtection),
                local(resize::PersistentVolumeClaimResize),
                local(runtime_class::RuntimeClass),
                local(certificates::CertificateSubjectRestriction),
                local(classes::DefaultIngressClass),
                local(policies::MutatingAdmissionPolicy),
                remote(webhooks::MutatingAdmissionWebhook),
                local(policies::ValidatingAdmissionPolicy),
                remote(webhooks::ValidatingAdmissionWebhook),
                local(quota::ResourceQuota),
            ],
        }
    }
}

impl Chain {
    /// Calls the mutating step of every plugin; again, after a webhook has changed the object.
    pub(crate) async fn admit(
        &self,
        attributes: &Attributes<'_>,
        object: &mut Value,
    ) -> Result<(), ApiError> {
        let mut rounds = Reinvocation::default();
        self.round(attributes, object, &mut rounds).await?;
        if rounds.is_due() {
            rounds.begin_second();
            self.round(attributes, object, &mut rounds).await?;
        }
        Ok(())
    }

    async fn round(
        &self,
        attributes: &Attributes<'_>,
        object: &mut Value,
        rounds: &mut Reinvocation,
    ) -> Result<(), ApiError> {
        for link in &self.plugins {
            match link {
                ChainPlugin::Local(plugin) => plugin.admit(attributes, object)?,
                ChainPlugin::Remote(plugin) => plugin.admit(attributes, object, rounds).await?,
            }
        }
        Ok(())
    }

    /// Calls the validating step of every plugin.
    pub(crate) async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        for link in &self.plugins {
            match link {
                ChainPlugin::Local(plugin) => plugin.validate(attributes, object)?,
                ChainPlugin::Remote(plugin) => plugin.validate(attributes, object).await?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_in_the_order_of_kube_apiserver() {
        let name = |link: &ChainPlugin| match link {
            ChainPlugin::Local(plugin) => format!("{plugin:?}"),
            ChainPlugin::Remote(plugin) => format!("{plugin:?}"),
        };
        let names: Vec<_> = Chain::default().plugins.iter().map(name).collect();
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
