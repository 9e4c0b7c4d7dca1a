//! Kinds without a strategy of their own that differ in name validation or updates.

use crate::object::names::NameRule;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// A generic strategy with options.
#[derive(Debug)]
pub(crate) struct GenericKind {
    name: NameRule,
    creates_on_update: bool,
    unconditional_update: bool,
}

impl Strategy for GenericKind {
    fn name_rule(&self) -> NameRule {
        self.name
    }
}

impl UpdateStrategy for GenericKind {
    fn creates_on_update(&self) -> bool {
        self.creates_on_update
    }

    fn unconditional_update(&self) -> bool {
        self.unconditional_update
    }
}

impl CreateStrategy for GenericKind {}
impl StatusStrategy for GenericKind {}
impl DeleteStrategy for GenericKind {}

/// Resources with create on update.
const CREATE_ON_UPDATE: [&str; 3] =
    ["endpoints", "runtimeclasses.node.k8s.io", "leasecandidates.coordination.k8s.io"];

/// Resources whose update requires a resourceVersion.
const CONDITIONAL_UPDATE: [&str; 16] = [
    "clustertrustbundles.certificates.k8s.io",
    "csidrivers.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "leasecandidates.coordination.k8s.io",
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "podcertificaterequests.certificates.k8s.io",
    "poddisruptionbudgets.policy",
    "runtimeclasses.node.k8s.io",
    "storageversionmigrations.storagemigration.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "volumeattachments.storage.k8s.io",
];

impl GenericKind {
    /// The strategy of a resource in kube-apiserver 1.37.
    pub(crate) fn of(group_resource: &str) -> Self {
        Self {
            name: NameRule::DnsSubdomain,
            creates_on_update: CREATE_ON_UPDATE.contains(&group_resource),
            unconditional_update: !CONDITIONAL_UPDATE.contains(&group_resource),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disruption_budget_update_requires_a_resource_version() {
        assert!(!GenericKind::of("poddisruptionbudgets.policy").unconditional_update());
        assert!(GenericKind::of("ingresses.networking.k8s.io").unconditional_update());
        assert!(
            GenericKind::of("endpoints").creates_on_update() && !GenericKind::of("nodes").creates_on_update()
        );
    }
}
