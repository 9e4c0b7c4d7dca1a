//! Cluster: sees to it that it has as many Machines as it asks for, all of its version.
//!
//! It finds its Machines by label, counts those whose controller it is, and creates, deletes and upgrades the
//! difference. It reads them from the server and not from a cache: a count that misses its own last write
//! would create twice. Garbage collection takes the Machines away when the Cluster goes. Of instances it
//! knows nothing.

use std::sync::Arc;

use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, Preconditions},
    runtime::controller::Action,
};

use super::{
    ReconcileError,
    apply::status_of,
    children::{Child, count, difference, free_names, selector},
};
use crate::{
    api::{
        CLUSTER_LABEL, Cluster, ClusterStatus, Machine, MachineCounts, MachineSpec, Observation, Truth,
        conditions, says,
    },
    clock::Clock,
    drive::Reconciler,
    events::{Happening, Recorder, Tone},
};

/// The field manager of what this reconciler applies: its Machines, and the status of Clusters.
pub const CLUSTER_MANAGER: &str = "clusters.fleet.seatrial.dev";

/// Reconciles Clusters; the only writer of their status.
pub(crate) struct ClusterReconciler {
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reconciler for ClusterReconciler {
    type Kind = Cluster;

    async fn reconcile(&self, cluster: Arc<Cluster>) -> Result<Action, ReconcileError> {
        let namespace = cluster.namespace().ok_or(ReconcileError::Incomplete { field: "namespace" })?;
        let machines: Api<Machine> = Api::namespaced(self.client.clone(), &namespace);
        let owned = owned(&machines, &cluster).await?;
        let children: Vec<Child> = owned.iter().map(Child::from).collect();
        if cluster.metadata.deletion_timestamp.is_none() {
            self.close_the_difference(&cluster, &machines, &owned, &children).await?;
        }
        self.write_status(&cluster, &namespace, &children).await?;
        Ok(Action::await_change())
    }
}

impl ClusterReconciler {
    async fn close_the_difference(
        &self,
        cluster: &Cluster,
        machines: &Api<Machine>,
        owned: &[Machine],
        children: &[Child],
    ) -> Result<(), ReconcileError> {
        let desired = usize::try_from(cluster.spec.machines).unwrap_or(0);
        let todo = difference(children, desired, &cluster.spec.version);
        let regarding = cluster.object_ref(&());
        let uid = cluster.uid().ok_or(ReconcileError::Incomplete { field: "uid" })?;
        for name in free_names(&cluster.name_any(), &uid, children).take(todo.create) {
            self.create(cluster, name, machines, &regarding).await?;
        }
        for machine in owned {
            let name = machine.name_any();
            if todo.delete.contains(&name) {
                self.delete(machine, machines, &regarding).await?;
            } else if todo.upgrade.contains(&name) {
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
        let machine = machine_for(cluster, name)?;
        match machines.patch(&machine.name_any(), &applied(), &Patch::Apply(&machine)).await {
            Ok(machine) => {
                let note = format!("created Machine {}", machine.name_any());
                self.tell(regarding, Tone::Normal, "MachineCreated", note).await;
                Ok(())
            }
            Err(error) => {
                let error = ReconcileError::api("creating a Machine")(error);
                self.tell(regarding, Tone::Warning, "MachineCreateFailed", format!("failed {error}")).await;
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
        // With both preconditions only the Machine that was counted goes, in the state in which it was
        // counted.
        let preconditions =
            Preconditions { uid: machine.uid(), resource_version: machine.resource_version() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match machines.delete(&name, &params).await {
            Ok(_) => {
                let note = format!("deleted Machine {name}");
                self.tell(regarding, Tone::Normal, "MachineDeleted", note).await;
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
        let mut upgraded = machine_for(cluster, name.clone())?;
        // Only the Machine that was counted is moved: an apply to one that has gone would make it anew.
        upgraded.metadata.uid = machine.uid();
        machines
            .patch(&name, &applied(), &Patch::Apply(&upgraded))
            .await
            .map_err(ReconcileError::api("upgrading a Machine"))?;
        let note = format!("moved Machine {name} from {old} to {new}");
        self.tell(regarding, Tone::Normal, "MachineUpgraded", note).await;
        Ok(())
    }

    async fn write_status(
        &self,
        cluster: &Cluster,
        namespace: &str,
        children: &[Child],
    ) -> Result<(), ReconcileError> {
        let old = cluster.status.clone().unwrap_or_default();
        let counts = count(children, &cluster.spec.version);
        let generation = cluster.metadata.generation.unwrap_or_default();
        let observed = observe(cluster, counts);
        let status = ClusterStatus {
            observed_generation: Some(generation),
            version: running_version(children),
            machines: Some(counts),
            conditions: conditions(&old.conditions, &observed, generation, self.clock.now()),
        };
        let said = says(&old.conditions, &status.conditions);
        if said && old == (ClusterStatus { conditions: old.conditions.clone(), ..status.clone() }) {
            return Ok(());
        }
        let api: Api<Cluster> = Api::namespaced(self.client.clone(), namespace);
        let status = Patch::Apply(status_of(cluster, &status));
        api.patch_status(&cluster.name_any(), &applied(), &status)
            .await
            .map_err(ReconcileError::api("writing a Cluster's status"))?;
        let [_, ready] = observed;
        let before = old.conditions.iter().find(|condition| condition.type_ == ready.type_);
        if before.is_none_or(|condition| condition.reason != ready.reason) {
            self.tell(&cluster.object_ref(&()), Tone::Normal, ready.reason, ready.message).await;
        }
        Ok(())
    }

    async fn tell(&self, regarding: &ObjectReference, tone: Tone, reason: &'static str, note: String) {
        self.recorder.tell(regarding, Happening { tone, reason, action: "Reconcile", note }).await;
    }
}

/// A controller's applies take over what others have changed of its fields.
fn applied() -> PatchParams {
    PatchParams::apply(CLUSTER_MANAGER).force()
}

/// The Machines whose controller is this very Cluster, by name.
async fn owned(machines: &Api<Machine>, cluster: &Cluster) -> Result<Vec<Machine>, ReconcileError> {
    let params = ListParams::default().labels(&selector(&cluster.name_any()));
    let list = machines.list(&params).await.map_err(ReconcileError::api("listing a Cluster's Machines"))?;
    let uid = cluster.uid().ok_or(ReconcileError::Incomplete { field: "uid" })?;
    let mut owned: Vec<Machine> =
        list.items.into_iter().filter(|machine| is_controlled_by(machine, &uid)).collect();
    owned.sort_by_key(ResourceExt::name_any);
    Ok(owned)
}

fn is_controlled_by(machine: &Machine, uid: &str) -> bool {
    machine.owner_references().iter().any(|owner| owner.uid == uid && owner.controller == Some(true))
}

/// What a Cluster applies as one of its Machines.
fn machine_for(cluster: &Cluster, name: String) -> Result<Machine, ReconcileError> {
    let cluster_name = cluster.name_any();
    let owner = cluster.controller_owner_ref(&()).ok_or(ReconcileError::Incomplete { field: "uid" })?;
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

/// The version that all Machines run, if there is one. A Machine that is not ready runs none.
fn running_version(children: &[Child]) -> Option<String> {
    let mut staying = children.iter().filter(|child| !child.deleting);
    let first = staying.next()?;
    let same = first.ready && staying.all(|child| child.ready && child.version == first.version);
    same.then(|| first.version.clone())
}

fn observe(cluster: &Cluster, counts: MachineCounts) -> [Observation; 2] {
    let (desired, version) = (cluster.spec.machines, &cluster.spec.version);
    let MachineCounts { total, ready, up_to_date, .. } = counts;
    let provisioned = Observation {
        type_: "Provisioned",
        status: Truth::from(total == desired),
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
    let status = Truth::from(reason == "AllMachinesReady");
    [provisioned, Observation { type_: "Ready", status, reason, message }]
}

#[cfg(test)]
mod tests {
    use kube::api::ObjectMeta;

    use super::{machine_for, observe, running_version};
    use crate::{
        api::{Cluster, ClusterSpec, MachineCounts, Truth},
        reconcile::children::Child,
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
    fn check_ready(machines: i32, counts: MachineCounts, status: Truth, reason: &str) {
        let [_, ready] = observe(&cluster(machines), counts);
        assert_eq!((ready.status, ready.reason), (status, reason), "{}", ready.message);
    }

    #[test]
    fn a_cluster_is_ready_when_every_machine_is() {
        check_ready(2, counts(2, 2, 2), Truth::True, "AllMachinesReady");
        check_ready(0, counts(0, 0, 0), Truth::True, "AllMachinesReady");
    }

    #[test]
    fn a_cluster_that_is_not_ready_says_what_it_waits_for() {
        check_ready(2, counts(1, 1, 1), Truth::False, "Scaling");
        check_ready(2, counts(2, 2, 1), Truth::False, "Upgrading");
        check_ready(2, counts(2, 1, 2), Truth::False, "MachinesNotReady");
    }

    #[test]
    fn a_machine_is_found_by_label_and_held_by_its_owner() {
        let machine = machine_for(&cluster(1), "blue-x".into()).expect("the cluster has a uid");
        let owner = &machine.metadata.owner_references.expect("an owner")[0];
        // Without blockOwnerDeletion a foreground deletion of the Cluster would not wait for its Machines.
        assert_eq!((owner.controller, owner.block_owner_deletion), (Some(true), Some(true)));
        assert_eq!(machine.metadata.labels.expect("labels")["fleet.seatrial.dev/cluster"], "blue");
    }

    #[test]
    fn the_running_version_is_the_one_that_all_machines_share() {
        let child = |version: &str, ready| Child {
            name: "a".into(),
            version: version.into(),
            ready,
            deleting: false,
            created: 0,
        };
        assert_eq!(running_version(&[child("1", true), child("1", true)]).as_deref(), Some("1"));
        assert_eq!(running_version(&[child("1", true), child("2", true)]), None);
        assert_eq!(running_version(&[child("1", false)]), None);
        assert_eq!(running_version(&[]), None);
    }
}
