//! The kind `SimulatedInstance`, which stores the state of the simulated provider.
//!
//! A `SimulatedInstance` has no owner reference: it stands for something outside Kubernetes, so garbage collection must
//! not delete it, and an instance that was not released is visible as a leak.

#![expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function to derive its schema")]
#![expect(clippy::duplicated_attributes, reason = "each printer column states its own type")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::{CustomResource, KubeSchema};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// One simulated instance.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "simulated.fleet.seatrial.dev",
    version = "v1beta1",
    kind = "SimulatedInstance",
    doc = "A SimulatedInstance is one instance of the simulated provider: its state outside the operator.",
    namespaced,
    derive = "PartialEq",
    shortname = "simi",
    category = "fleet",
    printcolumn(name = "Machine", type_ = "string", json_path = ".spec.machine.name"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Ready-At", type_ = "string", json_path = ".spec.readyAt"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedInstanceSpec {
    /// The Machine that the instance was created for.
    pub machine: InstanceMachine,
    /// The release that the instance runs, or boots with until `readyAt`.
    #[schemars(length(min = 1, max = 32))]
    pub version: String,
    /// The time from which the instance runs.
    #[schemars(schema_with = "micro_time_schema")]
    pub ready_at: MicroTime,
}

/// The Machine that an instance was created for.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceMachine {
    /// The Machine's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The Machine's uid.
    #[schemars(length(min = 1, max = 128))]
    pub uid: String,
}

fn micro_time_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}
