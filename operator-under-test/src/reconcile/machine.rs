//! The Machine reconciler: an instance of the provider for each Machine, released before the Machine is deleted.
//!
//! The finalizer is added before the first call of the provider and removed after the release, so a crash at any point
//! leaks no instance. `kube::runtime::finalizer` is not used: it removes the finalizer as soon as its cleanup succeeds,
//! while a release that is in progress is neither finished nor an error.

use std::sync::Arc;

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{
        controller::Action,
        events::{Event, EventType},
    },
};
use serde_json::json;

use super::{ReconcileError, apply::status_configuration};
use crate::{
    api::{ConditionStatus, Machine, MachineStatus, ObservedCondition, conditions, contains_all},
    clock::Clock,
    controller::Reconciler,
    events::Recorder,
    provider::{
        Instance, InstancePhase, InstanceRequest, MachineRef, Provider, ProviderError, ReleaseStatus,
    },
};

/// The finalizer that holds a Machine until its instance is released.
pub const RELEASE_FINALIZER: &str = "machines.fleet.seatrial.dev/release";

/// The field manager of the status of Machines.
pub const MACHINE_FIELD_MANAGER: &str = "machines.fleet.seatrial.dev";

/// The reconciler of Machines and only writer of their status.
pub(crate) struct MachineReconciler {
    pub(crate) client: Client,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reconciler for MachineReconciler {
    type Kind = Machine;

    async fn reconcile(&self, machine: Arc<Machine>) -> Result<Action, ReconcileError> {
        let machine_ref = MachineRef {
            namespace: machine.namespace().ok_or(ReconcileError::MissingField { field: "namespace" })?,
            name: machine.name_any(),
            uid: machine.uid().ok_or(ReconcileError::MissingField { field: "uid" })?,
        };
        let api: Api<Machine> = Api::namespaced(self.client.clone(), &machine_ref.namespace);
        let machine = Arc::unwrap_or_clone(machine);
        let has_finalizer = machine.finalizers().iter().any(|finalizer| finalizer == RELEASE_FINALIZER);
        match (machine.metadata.deletion_timestamp.is_some(), has_finalizer) {
            (false, true) => self.provision(&api, machine, machine_ref).await,
            (false, false) => {
                let machine = add_finalizer(&api, &machine).await?;
                self.provision(&api, machine, machine_ref).await
            }
            (true, true) => self.release(&api, machine, machine_ref).await,
            (true, false) => Ok(Action::await_change()),
        }
    }
}

impl MachineReconciler {
    async fn provision(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        machine_ref: MachineRef,
    ) -> Result<Action, ReconcileError> {
        let request = InstanceRequest { machine: machine_ref, version: machine.spec.version.clone() };
        match self.provider.ensure(&request).await {
            Ok(instance) => {
                let action = match instance.phase {
                    InstancePhase::Booting(remaining) => Action::requeue(remaining),
                    InstancePhase::Running => Action::await_change(),
                };
                self.patch_status(api, machine, ProviderOutcome::provisioned(&instance)).await?;
                Ok(action)
            }
            Err(error) => self.report_failure(api, machine, "ProviderFailed", error).await,
        }
    }

    async fn release(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        machine_ref: MachineRef,
    ) -> Result<Action, ReconcileError> {
        let Some(machine) = self.patch_status(api, machine, ProviderOutcome::releasing()).await? else {
            return Ok(Action::await_change());
        };
        match self.provider.release(&machine_ref).await {
            Ok(ReleaseStatus::Complete) => {
                let regarding = machine.object_ref(&());
                remove_finalizer(api, &machine).await?;
                let note = "the provider has nothing left of it".to_owned();
                let event = event(EventType::Normal, "Released", "Release", note);
                self.recorder.publish(&event, &regarding).await;
                Ok(Action::await_change())
            }
            Ok(ReleaseStatus::InProgress(delay)) => Ok(Action::requeue(delay)),
            Err(error) => self.report_failure(api, machine, "ReleaseFailed", error).await,
        }
    }

    /// Writes the provider's error into the status and returns it, so that the back-off applies.
    async fn report_failure(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        reason: &'static str,
        error: ProviderError,
    ) -> Result<Action, ReconcileError> {
        let message = error.to_string();
        let error = ReconcileError::from(error);
        if !error.is_conflict() {
            self.patch_status(api, machine, ProviderOutcome::failed(reason, message)).await?;
        }
        Err(error)
    }

    /// Applies the status if it changed, and publishes an Event if the reason of `Ready` did. Returns `None` if the
    /// Machine does not exist any more.
    async fn patch_status(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        outcome: ProviderOutcome,
    ) -> Result<Option<Machine>, ReconcileError> {
        let old = machine.status.clone().unwrap_or_default();
        let generation = machine.metadata.generation.unwrap_or_default();
        let ready = outcome.ready();
        let provisioned = outcome.instance_exists(&old);
        let observed = [provisioned, ready.clone()];
        let conditions = conditions(&old.conditions, &observed, generation, self.clock.now());
        let provider_id = outcome.provider_id.or_else(|| old.provider_id.clone());
        let status = MachineStatus {
            observed_generation: Some(generation),
            provider_id,
            version: outcome.running_version,
            conditions,
        };
        let unchanged = contains_all(&old.conditions, &status.conditions)
            && old == (MachineStatus { conditions: old.conditions.clone(), ..status.clone() });
        let old_ready = old.conditions.iter().find(|condition| condition.type_ == ready.type_);
        let reason_changed = old_ready.is_none_or(|condition| condition.reason != ready.reason);
        if unchanged {
            return Ok(Some(machine));
        }
        let params = PatchParams::apply(MACHINE_FIELD_MANAGER).force();
        let status = Patch::Apply(status_configuration(&machine, &status));
        let machine = match api.patch_status(&machine.name_any(), &params, &status).await {
            Ok(machine) => machine,
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
            Err(error) => return Err(ReconcileError::api("writing a Machine's status")(error)),
        };
        if reason_changed {
            let event = event(outcome.event_type, ready.reason, outcome.action, ready.message);
            self.recorder.publish(&event, &machine.object_ref(&())).await;
        }
        Ok(Some(machine))
    }
}

/// The outcome of a call of the provider, as the status and the Event report it.
struct ProviderOutcome {
    action: &'static str,
    event_type: EventType,
    provider_id: Option<String>,
    running_version: Option<String>,
    reason: &'static str,
    message: String,
}

impl ProviderOutcome {
    fn provisioned(instance: &Instance) -> Self {
        let Instance { id, version, phase } = instance;
        let (running_version, reason, message) = match phase {
            InstancePhase::Booting(_) => (None, "Booting", format!("{id} comes up with {version}")),
            InstancePhase::Running => (Some(version.clone()), "Running", format!("{id} runs {version}")),
        };
        let (action, event_type) = ("Provision", EventType::Normal);
        Self { action, event_type, provider_id: Some(id.clone()), running_version, reason, message }
    }

    fn releasing() -> Self {
        let (action, event_type) = ("Release", EventType::Normal);
        let message = "the provider takes its instance back".to_owned();
        Self { action, event_type, provider_id: None, running_version: None, reason: "Releasing", message }
    }

    fn failed(reason: &'static str, message: String) -> Self {
        let (action, event_type) = ("Provision", EventType::Warning);
        Self { action, event_type, provider_id: None, running_version: None, reason, message }
    }

    fn ready(&self) -> ObservedCondition {
        let (reason, message) = (self.reason, self.message.clone());
        ObservedCondition {
            type_: "Ready",
            status: ConditionStatus::from(self.running_version.is_some()),
            reason,
            message,
        }
    }

    /// The condition `Provisioned`. After a failed call, the instance of the old status is taken to exist still.
    fn instance_exists(&self, old: &MachineStatus) -> ObservedCondition {
        let known = self.provider_id.as_ref().or(old.provider_id.as_ref());
        let (status, reason, message) = match (known, self.reason) {
            (Some(id), _) => {
                (ConditionStatus::True, "InstanceExists", format!("{id} is this machine's instance"))
            }
            (None, reason @ ("ProviderFailed" | "ReleaseFailed")) => {
                (ConditionStatus::Unknown, reason, self.message.clone())
            }
            (None, _) => (ConditionStatus::False, "NoInstance", "the provider was never asked".to_owned()),
        };
        ObservedCondition { type_: "Provisioned", status, reason, message }
    }
}

fn event(type_: EventType, reason: &str, action: &str, note: String) -> Event {
    let (reason, action) = (reason.to_owned(), action.to_owned());
    Event { type_, reason, action, note: Some(note), secondary: None }
}

async fn add_finalizer(api: &Api<Machine>, machine: &Machine) -> Result<Machine, ReconcileError> {
    let mut finalizers = machine.finalizers().to_vec();
    finalizers.push(RELEASE_FINALIZER.to_owned());
    set_finalizers(api, machine, &finalizers)
        .await
        .map_err(ReconcileError::api("holding a Machine by its finalizer"))
}

async fn remove_finalizer(api: &Api<Machine>, machine: &Machine) -> Result<(), ReconcileError> {
    let mut finalizers = machine.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != RELEASE_FINALIZER);
    match set_finalizers(api, machine, &finalizers).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(ReconcileError::api("letting go of a Machine")(error)),
    }
}

/// Replaces the finalizers. The resource version makes the patch fail if they changed since they were read.
async fn set_finalizers(
    api: &Api<Machine>,
    machine: &Machine,
    finalizers: &[String],
) -> kube::Result<Machine> {
    let patch = json!({
        "metadata": {"resourceVersion": machine.resource_version(), "finalizers": finalizers},
    });
    api.patch(&machine.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await
}
