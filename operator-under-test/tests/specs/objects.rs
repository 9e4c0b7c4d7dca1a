//! Builders of and matchers for the objects of these specs.

use std::collections::BTreeMap;

use k8s_openapi::api::events::v1::Event;
use kube::{ResourceExt, api::ObjectMeta};
use seatrial_e2e::{
    Cx, Matcher, SpecResult,
    matchers::{all, each, exist, have_condition, have_len, satisfy},
};
use seatrial_operator::{
    Cluster, Machine, SimulatedInstance,
    api::{ClusterSpec, MachineSpec},
};

/// The version that specs start from.
pub(crate) const VERSION: &str = "1.36.3";

/// The version that specs upgrade to.
pub(crate) const NEXT_VERSION: &str = "1.37.2";

/// A Cluster of [`VERSION`].
pub(crate) fn cluster(name: &str, machines: i32) -> Cluster {
    Cluster::new(name, ClusterSpec { version: VERSION.into(), machines })
}

/// A Machine without an owner.
pub(crate) fn machine(name: &str) -> Machine {
    Machine {
        metadata: ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() },
        spec: MachineSpec { cluster_name: "nobodys".into(), version: VERSION.into() },
        status: None,
    }
}

/// Matches an object that is ready for its current generation.
pub(crate) fn be_ready<T: serde::Serialize>() -> impl Matcher<T> {
    have_condition("Ready", "True").up_to_date()
}

/// Matches `count` Machines that are all ready for their current generation.
pub(crate) fn all_be_ready(count: usize) -> impl Matcher<Vec<Machine>> {
    all((have_len(count), each(be_ready::<Machine>())))
}

/// Matches Events of which one has this reason and regards the object of this name.
pub(crate) fn include_event(reason: &'static str, object: &str) -> impl Matcher<Vec<Event>> + use<> {
    let object = object.to_owned();
    satisfy(&format!("include {reason} about {object}"), move |events: &Vec<Event>| {
        events.iter().any(|event| {
            let regarding = event.regarding.as_ref().and_then(|regarding| regarding.name.as_deref());
            event.reason.as_deref() == Some(reason) && regarding == Some(object.as_str())
        })
    })
}

/// Waits until the Cluster is ready and returns its Machines.
pub(crate) async fn machines_of_ready_cluster(cx: &Cx, cluster: &Cluster) -> SpecResult<Vec<Machine>> {
    cx.eventually(cluster).should(be_ready()).await?;
    let selector = format!("fleet.seatrial.dev/cluster={}", cluster.name_any());
    let machines = cx.eventually(cx.all::<Machine>().labels(&selector)).should(exist()).await?;
    Ok(machines.unwrap_or_default())
}

/// The uid and `readyAt` of each instance, by the name of its Machine.
pub(crate) fn instances_by_machine(
    instances: Vec<SimulatedInstance>,
) -> BTreeMap<String, (Option<String>, String)> {
    let entry = |instance: SimulatedInstance| {
        let ready_at = instance.spec.ready_at.0.to_string();
        (instance.spec.machine.name.clone(), (instance.uid(), ready_at))
    };
    instances.into_iter().map(entry).collect()
}
