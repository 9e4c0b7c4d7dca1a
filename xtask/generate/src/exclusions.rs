//! Fields that dry runs fill in and that are no defaults of their component, with the reason.
//!
//! The fake's strategies and admission plugins set these. The generator fails if observations of a field disagree and no
//! entry excludes it, and if an entry excludes nothing.

/// One field that is not recorded.
pub(crate) struct Exclusion {
    component: &'static str,
    field: &'static str,
    /// Only in objects of this kind.
    pub(crate) under: Option<&'static str>,
    /// Why.
    pub(crate) reason: &'static str,
}

const fn not(component: &'static str, field: &'static str, reason: &'static str) -> Exclusion {
    Exclusion { component, field, under: None, reason }
}

const fn under(
    kind: &'static str,
    component: &'static str,
    field: &'static str,
    reason: &'static str,
) -> Exclusion {
    Exclusion { component, field, under: Some(kind), reason }
}

const ADMISSION: &str = "an admission plugin's work";
const JOB: &str = "filled in a Job, not in a CronJob's template";
const SERVICE: &str = "depends on the Service's type and on what is stored";
const TYPE: &str = "depends on the type beside it";
const NAMES: &str = "made from the kind";
const CLOCK: &str = "a time";
const TAG: &str = "depends on the image's tag";
const POD: &str = "filled in a Pod, not in a template";

/// The table.
pub(crate) const EXCLUSIONS: &[Exclusion] = &[
    not("apps.v1.DaemonSetUpdateStrategy", "rollingUpdate", TYPE),
    not("apps.v1.DeploymentStrategy", "rollingUpdate", TYPE),
    not("apps.v1.StatefulSetUpdateStrategy", "rollingUpdate", TYPE),
    not("apps.v1.StatefulSetUpdateStrategy", "type", "more follows from its absence than the type"),
    not("autoscaling.v2.HPAScalingRules", "policies", "upwards differs from downwards"),
    not("autoscaling.v2.HPAScalingRules", "stabilizationWindowSeconds", "upwards differs from downwards"),
    not("batch.v1.JobSpec", "backoffLimit", JOB),
    not("batch.v1.JobSpec", "completionMode", JOB),
    not("batch.v1.JobSpec", "completions", JOB),
    not("batch.v1.JobSpec", "manualSelector", JOB),
    not("batch.v1.JobSpec", "parallelism", JOB),
    not("batch.v1.JobSpec", "podReplacementPolicy", JOB),
    not("batch.v1.JobSpec", "selector", JOB),
    not("batch.v1.JobSpec", "suspend", JOB),
    not("core.v1.Container", "imagePullPolicy", TAG),
    not("core.v1.ImageVolumeSource", "pullPolicy", TAG),
    not("core.v1.LimitRangeItem", "default", TYPE),
    not("core.v1.LimitRangeItem", "defaultRequest", TYPE),
    not("core.v1.LoadBalancerIngress", "ipMode", "only beside an address"),
    not("core.v1.Namespace", "spec", "the strategy's finalizer, on create only"),
    not("core.v1.NamespaceSpec", "finalizers", "the strategy's finalizer, on create only"),
    not("core.v1.Node", "spec", ADMISSION),
    not("core.v1.PersistentVolume", "status", CLOCK),
    not("core.v1.Pod", "status", "the strategy's, from the containers' resources"),
    not("core.v1.PodSpec", "enableServiceLinks", POD),
    not("core.v1.PodSpec", "preemptionPolicy", ADMISSION),
    not("core.v1.PodSpec", "priority", ADMISSION),
    not("core.v1.PodSpec", "serviceAccount", "mirrors serviceAccountName"),
    not("core.v1.PodSpec", "tolerations", ADMISSION),
    not("core.v1.PodStatus", "qosClass", "the strategy's, from the containers' resources"),
    under("Job", "core.v1.PodTemplateSpec", "metadata", "the strategy's labels"),
    not("core.v1.ResourceRequirements", "requests", POD),
    not("core.v1.ServicePort", "nodePort", SERVICE),
    not("core.v1.ServicePort", "targetPort", "the port beside it"),
    not("core.v1.ServiceSpec", "allocateLoadBalancerNodePorts", SERVICE),
    not("core.v1.ServiceSpec", "clusterIP", SERVICE),
    not("core.v1.ServiceSpec", "clusterIPs", SERVICE),
    not("core.v1.ServiceSpec", "externalTrafficPolicy", SERVICE),
    not("core.v1.ServiceSpec", "internalTrafficPolicy", SERVICE),
    not("core.v1.ServiceSpec", "ipFamilies", SERVICE),
    not("core.v1.ServiceSpec", "ipFamilyPolicy", SERVICE),
    not("core.v1.ServiceSpec", "sessionAffinityConfig", SERVICE),
    not("core.v1.Volume", "emptyDir", "only where no other source is given"),
    not("networking.v1.NetworkPolicySpec", "policyTypes", "depends on the rules beside it"),
    not("rbac.v1.Subject", "apiGroup", "depends on the kind beside it"),
    not("resource.v1.DeviceTaint", "timeAdded", CLOCK),
    not("resource.v1.ExactDeviceRequest", "count", "depends on the mode beside it"),
    not("resource.v1.DeviceSubRequest", "count", "depends on the mode beside it"),
    not(
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
        "status",
        "the strategy's, from the versions",
    ),
    not(
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames",
        "listKind",
        NAMES,
    ),
    not(
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames",
        "singular",
        NAMES,
    ),
];

/// Kinds that no manifest makes, with the reason.
pub(crate) const UNOBSERVED: &[(&str, &str)] = &[
    ("certificatesigningrequests.certificates.k8s.io", "needs a signed request"),
    ("clustertrustbundles.certificates.k8s.io", "needs a certificate"),
    ("podcertificaterequests.certificates.k8s.io", "needs a running Pod and a signature"),
];

impl Exclusion {
    /// True if this entry matches an observation.
    pub(crate) fn is_about(&self, component: &str, field: &str, root: &str) -> bool {
        let own = component.strip_prefix("io.k8s.api.").unwrap_or(component);
        own == self.component && field == self.field && self.under.is_none_or(|kind| kind == root)
    }

    /// The line's subject, for errors.
    pub(crate) fn subject(&self) -> String {
        format!("{}.{}", self.component, self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_for_one_kind_does_not_match_others() {
        let line = under("Job", "core.v1.PodTemplateSpec", "metadata", "labels");
        assert!(line.is_about("io.k8s.api.core.v1.PodTemplateSpec", "metadata", "Job"));
        assert!(!line.is_about("io.k8s.api.core.v1.PodTemplateSpec", "metadata", "CronJob"));
        assert!(!line.is_about("io.k8s.api.core.v1.PodTemplateSpec", "spec", "Job"));
    }
}
