//! The Cluster reconciler: as many Machines as the spec has, all of its version.
//!
//! Machines are listed from the server and not read from a cache, since a stale cache would lead to surplus Machines.
//! Garbage collection deletes the Machines of a deleted Cluster.

use std::sync::Arc;

use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, Preconditions},
    runtime::{
        controller::Action,
        events::{Event, EventType},
    },
};

use super::{
    ReconcileError,
    apply::status_configuration,
    plan::{OwnedMachine, count_machines, label_selector, plan, unused_names},
};
use crate::{
    api::{
        CLUSTER_LABEL, Cluster, ClusterStatus, ConditionStatus, Machine, MachineCounts, MachineSpec,
        ObservedCondition, conditions, contains_all,
    },
    clock::Clock,
    controller::Reconciler,
    events::Recorder,
};

/// The field manager of Machines and of the status of Clusters.
pub const CLUSTER_FIELD_MANAGER: &str = "clusters.fleet.seatrial.dev";

/// The reconciler of Clusters and only writer of their status.
pub(crate) struct ClusterReconciler {
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reconciler for ClusterReconciler {
    type Kind = Cluster;

    async fn reconcile(&self, cluster: Arc<Cluster>) -> Result<Action, ReconcileError> {
        let namespace = cluster.namespace().ok_or(ReconcileError::MissingField { field: "namespace" })?;
        let machines: Api<Machine> = Api::namespaced(self.client.clone(), &namespace);
        let owned = list_owned_machines(&machines, &cluster).await?;
        let owned_machines: Vec<OwnedMachine> = owned.iter().map(OwnedMachine::from).collect();
        if cluster.metadata.deletion_timestamp.is_none() {
            self.carry_out_plan(&cluster, &machines, &owned, &owned_machines).await?;
        }
        self.patch_status(&cluster, &namespace, &owned_machines).await?;
        Ok(Action::await_change())
    }
}

impl ClusterReconciler {
    async fn carry_out_plan(
        &self,
        cluster: &Cluster,
        machines: &Api<Machine>,
        owned: &[Machine],
        owned_machines: &[OwnedMachine],
    ) -> Result<(), ReconcileError> {
        let desired = usize::try_from(cluster.spec.machines).unwrap_or(0);
        let plan = plan(owned_machines, desired, &cluster.spec.version);
        let regarding = cluster.object_ref(&());
        let uid = cluster.uid().ok_or(ReconcileError::MissingField { field: "uid" })?;
        for name in unused_names(&cluster.name_any(), &uid, owned_machines).take(plan.create) {
            self.create(cluster, name, machines, &regarding).await?;
        }
        for machine in owned {
            let name = machine.name_any();
            if plan.delete.contains(&name) {
                self.delete(machine, machines, &regarding).await?;
            } else if plan.upgrade.contains(&name) {
                self.upgrade(cluster, machine, machines, &regarding).await?;
            }
        }
        Ok(())
    }

    async fn create(
        &self,
        cluster: &Cluster,
        name: String,
        machines: &Api<Machine>,
        regarding: &ObjectReference,
    ) -> Result<(), ReconcileError> {
        let machine = desired_machine(cluster, name)?;
        match machines.patch(&machine.name_any(), &apply_params(), &Patch::Apply(&machine)).await {
            Ok(machine) => {
                let note = format!("created Machine {}", machine.name_any());
                self.publish(regarding, EventType::Normal, "MachineCreated", note).await;
                Ok(())
            }
            Err(error) => {
                let error = ReconcileError::api("creating a Machine")(error);
                self.publish(regarding, EventType::Warning, "MachineCreateFailed", format!("failed {error}"))
                    .await;
                Err(error)
            }
        }
    }

    async fn delete(
        &self,
        machine: &Machine,
        machines: &Api<Machine>,
        regarding: &ObjectReference,
    ) -> Result<(), ReconcileError> {
        let name = machine.name_any();
        // The preconditions keep a Machine that changed since it was listed.
        let preconditions =
            Preconditions { uid: machine.uid(), resource_version: machine.resource_version() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match machines.delete(&name, &params).await {
            Ok(_) => {
                let note = format!("deleted Machine {name}");
                self.publish(regarding, EventType::Normal, "MachineDeleted", note).await;
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            Err(error) => return Err(ReconcileError::api("deleting a Machine")(error)),
        }
        Ok(())
    }

    async fn upgrade(
        &self,
        cluster: &Cluster,
        machine: &Machine,
        machines: &Api<Machine>,
        regarding: &ObjectReference,
    ) -> Result<(), ReconcileError> {
        let (name, old, new) = (machine.name_any(), &machine.spec.version, &cluster.spec.version);
        let mut upgraded = desired_machine(cluster, name.clone())?;
        // With the uid, an apply to a Machine that was deleted meanwhile fails instead of creating it again.
        upgraded.metadata.uid = machine.uid();
        machines
            .patch(&name, &apply_params(), &Patch::Apply(&upgraded))
            .await
            .map_err(ReconcileError::api("upgrading a Machine"))?;
        let note = format!("moved Machine {name} from {old} to {new}");
        self.publish(regarding, EventType::Normal, "MachineUpgraded", note).await;
        Ok(())
    }

    async fn patch_status(
        &self,
        cluster: &Cluster,
        namespace: &str,
        owned_machines: &[OwnedMachine],
    ) -> Result<(), ReconcileError> {
        let old = cluster.status.clone().unwrap_or_default();
        let counts = count_machines(owned_machines, &cluster.spec.version);
        let generation = cluster.metadata.generation.unwrap_or_default();
        let observed = observed_conditions(cluster, counts);
        let status = ClusterStatus {
            observed_generation: Some(generation),
            version: running_version(owned_machines),
            machines: Some(counts),
            conditions: conditions(&old.conditions, &observed, generation, self.clock.now()),
        };
        let unchanged = contains_all(&old.conditions, &status.conditions)
            && old == (ClusterStatus { conditions: old.conditions.clone(), ..status.clone() });
        if unchanged {
            return Ok(());
        }
        let api: Api<Cluster> = Api::namespaced(self.client.clone(), namespace);
        let status = Patch::Apply(status_configuration(cluster, &status));
        api.patch_status(&cluster.name_any(), &apply_params(), &status)
            .await
            .map_err(ReconcileError::api("writing a Cluster's status"))?;
        let [_, ready] = observed;
        let old_ready = old.conditions.iter().find(|condition| condition.type_ == ready.type_);
        if old_ready.is_none_or(|condition| condition.reason != ready.reason) {
            self.publish(&cluster.object_ref(&()), EventType::Normal, ready.reason, ready.message).await;
        }
        Ok(())
    }

    async fn publish(&self, regarding: &ObjectReference, type_: EventType, reason: &str, note: String) {
        let (reason, action) = (reason.to_owned(), "Reconcile".to_owned());
        let event = Event { type_, reason, action, note: Some(note), secondary: None };
        self.recorder.publish(&event, regarding).await;
    }
}

/// Forced, so that the controller takes over its fields from other managers.
fn apply_params() -> PatchParams {
    PatchParams::apply(CLUSTER_FIELD_MANAGER).force()
}

/// The Machines whose controller is the Cluster, sorted by name.
async fn list_owned_machines(
    machines: &Api<Machine>,
    cluster: &Cluster,
) -> Result<Vec<Machine>, ReconcileError> {
    let params = ListParams::default().labels(&label_selector(&cluster.name_any()));
    let list = machines.list(&params).await.map_err(ReconcileError::api("listing a Cluster's Machines"))?;
    let uid = cluster.uid().ok_or(ReconcileError::MissingField { field: "uid" })?;
    let mut owned: Vec<Machine> =
        list.items.into_iter().filter(|machine| is_controlled_by(machine, &uid)).collect();
    owned.sort_by_key(ResourceExt::name_any);
    Ok(owned)
}

fn is_controlled_by(machine: &Machine, uid: &str) -> bool {
    machine.owner_references().iter().any(|owner| owner.uid == uid && owner.controller == Some(true))
}

/// The Machine `name` as the Cluster applies it.
fn desired_machine(cluster: &Cluster, name: String) -> Result<Machine, ReconcileError> {
    let cluster_name = cluster.name_any();
    let owner = cluster.controller_owner_ref(&()).ok_or(ReconcileError::MissingField { field: "uid" })?;
    Ok(Machine {
        metadata: ObjectMeta {
            name: Some(name),
            labels: Some([(CLUSTER_LABEL.to_owned(), cluster_name.clone())].into()),
            owner_references: Some(vec![OwnerReference { block_owner_deletion: Some(true), ..owner }]),
            ..ObjectMeta::default()
        },
        spec: MachineSpec { cluster_name, version: cluster.spec.version.clone() },
        status: None,
    })
}

/// The version that all Machines run, if they are ready and have the same.
fn running_version(machines: &[OwnedMachine]) -> Option<String> {
    let mut machines = machines.iter().filter(|machine| !machine.deleting);
    let first = machines.next()?;
    let same = first.ready && machines.all(|machine| machine.ready && machine.version == first.version);
    same.then(|| first.version.clone())
}

fn observed_conditions(cluster: &Cluster, counts: MachineCounts) -> [ObservedCondition; 2] {
    let (desired, version) = (cluster.spec.machines, &cluster.spec.version);
    let MachineCounts { total, ready, up_to_date, .. } = counts;
    let provisioned = ObservedCondition {
        type_: "Provisioned",
        status: ConditionStatus::from(total == desired),
        reason: if total == desired { "AllMachinesExist" } else { "Scaling" },
        message: format!("{total} of {desired} machines exist"),
    };
    let (reason, message) = if cluster.metadata.deletion_timestamp.is_some() {
        ("Deleting", "the cluster is being deleted".to_owned())
    } else if total != desired {
        ("Scaling", format!("the cluster goes from {total} to {desired} machines"))
    } else if up_to_date != desired {
        ("Upgrading", format!("machines move to {version}"))
    } else if ready != desired {
        ("MachinesNotReady", format!("machines come up with {version}"))
    } else {
        ("AllMachinesReady", format!("all {desired} machines run {version}"))
    };
    let status = ConditionStatus::from(reason == "AllMachinesReady");
    [provisioned, ObservedCondition { type_: "Ready", status, reason, message }]
}

#[cfg(test)]
mod tests {
    use kube::api::ObjectMeta;

    use super::{desired_machine, observed_conditions, running_version};
    use crate::{
        api::{Cluster, ClusterSpec, ConditionStatus, MachineCounts},
        reconcile::plan::OwnedMachine,
    };

    fn cluster(machines: i32) -> Cluster {
        Cluster {
            metadata: ObjectMeta {
                name: Some("blue".into()),
                uid: Some("u".into()),
                ..ObjectMeta::default()
            },
            spec: ClusterSpec { version: "1.37.2".into(), machines },
            status: None,
        }
    }

    fn counts(total: i32, ready: i32, up_to_date: i32) -> MachineCounts {
        MachineCounts { total, ready, up_to_date, deleting: 0 }
    }

    #[track_caller]
    fn check_ready(machines: i32, counts: MachineCounts, status: ConditionStatus, reason: &str) {
        let [_, ready] = observed_conditions(&cluster(machines), counts);
        assert_eq!((ready.status, ready.reason), (status, reason), "{}", ready.message);
    }

    #[test]
    fn a_cluster_is_ready_when_every_machine_is() {
        check_ready(2, counts(2, 2, 2), ConditionStatus::True, "AllMachinesReady");
        check_ready(0, counts(0, 0, 0), ConditionStatus::True, "AllMachinesReady");
    }

    #[test]
    fn the_reason_of_a_cluster_that_is_not_ready_names_the_next_step() {
        check_ready(2, counts(1, 1, 1), ConditionStatus::False, "Scaling");
        check_ready(2, counts(2, 2, 1), ConditionStatus::False, "Upgrading");
        check_ready(2, counts(2, 1, 2), ConditionStatus::False, "MachinesNotReady");
    }

    #[test]
    fn a_machine_has_the_label_and_an_owner_reference_that_blocks_deletion() {
        let machine = desired_machine(&cluster(1), "blue-x".into()).expect("the cluster has a uid");
        let owner = &machine.metadata.owner_references.expect("an owner")[0];
        // Without blockOwnerDeletion a foreground deletion of the Cluster would not wait for its Machines.
        assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
        assert_eq!(machine.metadata.labels.expect("labels")["fleet.seatrial.dev/cluster"], "blue");
    }

    #[test]
    fn the_running_version_is_that_of_all_machines() {
        let machine = |version: &str, ready| OwnedMachine {
            name: "a".into(),
            version: version.into(),
            ready,
            deleting: false,
            created: 0,
        };
        assert_eq!(running_version(&[machine("1", true), machine("1", true)]).as_deref(), Some("1"));
        assert_eq!(running_version(&[machine("1", true), machine("2", true)]), None);
        assert_eq!(running_version(&[machine("1", false)]), None);
        assert_eq!(running_version(&[]), None);
    }
}
