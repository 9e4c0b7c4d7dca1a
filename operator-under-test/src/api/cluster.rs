//! The kind Cluster: a number of machines of one version.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function to derive its schema")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{condition, version};

/// The desired state of a Cluster.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "fleet.seatrial.dev",
    version = "v1beta1",
    kind = "Cluster",
    doc = "A Cluster is a number of machines that run one version of Kubernetes.",
    namespaced,
    status = "ClusterStatus",
    derive = "PartialEq",
    shortname = "cl",
    category = "fleet",
    validation = Rule::new("size(self.metadata.name) <= 52")
        .message("name must have at most 52 characters: machines carry it in their name and in a label"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Machines", type_ = "integer", json_path = ".spec.machines"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// The Kubernetes release that every machine runs, such as `1.37.2`.
    #[schemars(length(min = 1, max = version::MAX_LENGTH))]
    #[x_kube(validation = version::format_rule(), validation = version::skew_rule())]
    pub version: String,
    /// The number of machines.
    #[schemars(range(min = 0, max = 100))]
    pub machines: i32,
}

/// The observed state of a Cluster, written by the Cluster reconciler alone.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// The generation of the spec that this status was observed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The release that all machines run; absent while they differ or while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The numbers of machines by state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<MachineCounts>,
    /// `Provisioned`: as many machines exist as the spec asks for. `Ready`: they all run its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "condition::conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// The numbers of a Cluster's machines by state. A machine that is being deleted counts in `deleting` alone.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineCounts {
    /// Machines that are not being deleted.
    pub total: i32,
    /// Of these, those whose condition `Ready` is true for their current generation.
    pub ready: i32,
    /// Of these, those whose spec has the Cluster's version.
    pub up_to_date: i32,
    /// Machines that are being deleted and wait for the release of their instance.
    pub deleting: i32,
}
