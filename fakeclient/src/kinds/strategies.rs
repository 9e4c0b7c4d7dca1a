//! Strategies of the built-in kinds.

use std::sync::Arc;

use crate::registry::custom::definition::CustomResourceDefinition;
use crate::registry::strategy::Strategy;

use super::generic::GenericKind;
use super::{
    apps, autoscaling, batch, certificates, coordination, core, networking, rbac, resource, scheduling,
};

/// The strategy of a built-in resource, by group and plural (`deployments.apps`).
pub(crate) fn strategy_of(group_resource: &str) -> Arc<dyn Strategy> {
    match group_resource {
        "configmaps" => Arc::new(core::config_map::ConfigMap),
        "events" => Arc::new(core::event::Event { strict: false }),
        "events.events.k8s.io" => Arc::new(core::event::Event { strict: true }),
        "limitranges" => Arc::new(core::limit_range::LimitRange),
        "pods" => Arc::new(core::pod::Pod),
        "nodes" => Arc::new(core::node::Node),
        "persistentvolumes" => Arc::new(core::persistent_volume::PersistentVolume),
        "podtemplates" => Arc::new(core::pod_template::PodTemplate),
        "replicationcontrollers" => Arc::new(core::replication_controller::ReplicationController),
        "namespaces" => Arc::new(core::namespace::Namespace),
        "secrets" => Arc::new(core::secret::Secret),
        "serviceaccounts" => Arc::new(core::service_account::ServiceAccount),
        "services" => Arc::new(core::service::Service),
        "customresourcedefinitions.apiextensions.k8s.io" => Arc::new(CustomResourceDefinition),
        "daemonsets.apps" => Arc::new(apps::daemon_set::DaemonSet),
        "deployments.apps" => Arc::new(apps::deployment::Deployment),
        "replicasets.apps" => Arc::new(apps::replica_set::ReplicaSet),
        "statefulsets.apps" => Arc::new(apps::stateful_set::StatefulSet),
        "leases.coordination.k8s.io" => Arc::new(coordination::lease::Lease),
        "horizontalpodautoscalers.autoscaling" => {
            Arc::new(autoscaling::horizontal_pod_autoscaler::HorizontalPodAutoscaler)
        }
        "cronjobs.batch" => Arc::new(batch::cron_job::CronJob),
        "jobs.batch" => Arc::new(batch::job::Job),
        "certificatesigningrequests.certificates.k8s.io" => {
            Arc::new(certificates::signing_request::CertificateSigningRequest)
        }
        "networkpolicies.networking.k8s.io" => Arc::new(networking::network_policy::NetworkPolicy),
        "resourceclaims.resource.k8s.io" => Arc::new(resource::claim::ResourceClaim { template: false }),
        "resourceclaimtemplates.resource.k8s.io" => {
            Arc::new(resource::claim::ResourceClaim { template: true })
        }
        "devicetaintrules.resource.k8s.io" => Arc::new(resource::device_taint_rule::DeviceTaintRule),
        "clusterroles.rbac.authorization.k8s.io" => Arc::new(rbac::role::Role { namespaced: false }),
        "roles.rbac.authorization.k8s.io" => Arc::new(rbac::role::Role { namespaced: true }),
        "clusterrolebindings.rbac.authorization.k8s.io" => {
            Arc::new(rbac::binding::Binding { namespaced: false })
        }
        "rolebindings.rbac.authorization.k8s.io" => Arc::new(rbac::binding::Binding { namespaced: true }),
        "priorityclasses.scheduling.k8s.io" => Arc::new(scheduling::PriorityClass),
        other => Arc::new(GenericKind::of(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::names::NameRule;

    #[test]
    fn strategy_is_found_by_group_and_plural() {
        assert_eq!(strategy_of("namespaces").name_rule(), NameRule::DnsLabel);
        assert!(strategy_of("leases.coordination.k8s.io").creates_on_update());
        assert!(!strategy_of("leases.example.com").creates_on_update());
    }
}
