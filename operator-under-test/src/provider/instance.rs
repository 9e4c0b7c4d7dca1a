//! `SimulatedInstance`: the simulated provider's books, kept as objects.
//!
//! It has no owner on purpose. An instance stands for something that Kubernetes does not know, so no garbage
//! collector may take it away: if nobody releases it, it is leaked, and everybody can see that.

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
    /// The Machine that the instance was made for.
    pub machine: InstanceMachine,
    /// The release that the instance runs, or comes up with until `readyAt`.
    #[schemars(length(min = 1, max = 32))]
    pub version: String,
    /// From this time on the instance is up.
    #[schemars(schema_with = "micro_time_schema")]
    pub ready_at: MicroTime,
}

/// The Machine that an instance was made for.
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
