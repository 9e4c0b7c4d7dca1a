//! The kind Machine: one instance of a provider.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function to derive its schema")]
#![expect(clippy::duplicated_attributes, reason = "each printer column states its own type")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{condition, version};

/// The label of a Machine whose value is the name of its Cluster.
pub const CLUSTER_LABEL: &str = "fleet.seatrial.dev/cluster";

/// The desired state of a Machine.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "fleet.seatrial.dev",
    version = "v1beta1",
    kind = "Machine",
    doc = "A Machine is one instance of a provider that runs one version of Kubernetes for its cluster.",
    namespaced,
    status = "MachineStatus",
    derive = "PartialEq",
    shortname = "ma",
    category = "fleet",
    printcolumn(name = "Cluster", type_ = "string", json_path = ".spec.clusterName"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Provider-ID", type_ = "string", json_path = ".status.providerId", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct MachineSpec {
    /// The name of the Cluster that this machine belongs to. Immutable.
    #[schemars(length(min = 1, max = 52))]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("clusterName is immutable: create a Machine in the other cluster instead"))]
    pub cluster_name: String,
    /// The Kubernetes release that the machine runs, such as `1.37.2`.
    #[schemars(length(min = 1, max = version::MAX_LENGTH))]
    #[x_kube(validation = version::format_rule(), validation = version::skew_rule())]
    pub version: String,
}

/// The observed state of a Machine, written by the Machine reconciler alone.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineStatus {
    /// The generation of the spec that this status was observed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The provider's id of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// The release that the instance runs; absent until it runs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `Provisioned`: the provider has an instance. `Ready`: the instance is up and runs the spec's version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "condition::conditions_schema")]
    pub conditions: Vec<Condition>,
}
