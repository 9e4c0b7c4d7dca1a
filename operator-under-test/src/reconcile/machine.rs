//! Machine: sees to it that the provider has an instance for it, and lets go of both in the right order.
//!
//! The finalizer is there before the provider is first asked and stays until the provider has nothing left,
//! so an operator that stops between any two lines leaves nothing behind that the next one does not find. Of
//! Clusters it knows nothing.

use std::sync::Arc;

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use serde_json::json;

use super::{ReconcileError, apply::status_of};
use crate::{
    api::{Machine, MachineStatus, Observation, Truth, conditions, says},
    clock::Clock,
    drive::Reconciler,
    events::{Happening, Recorder, Tone},
    provider::{Instance, InstanceRequest, MachineRef, Progress, Provider, ProviderError, Release},
};

/// The finalizer that holds a Machine until its instance is released.
pub const RELEASE_FINALIZER: &str = "machines.fleet.seatrial.dev/release";

/// The field manager of the status of Machines.
pub const MACHINE_MANAGER: &str = "machines.fleet.seatrial.dev";

/// Reconciles Machines; the only writer of their status.
pub(crate) struct MachineReconciler {
    pub(crate) client: Client,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reconciler for MachineReconciler {
    type Kind = Machine;

    async fn reconcile(&self, machine: Arc<Machine>) -> Result<Action, ReconcileError> {
        let asks = MachineRef {
            namespace: machine.namespace().ok_or(ReconcileError::Incomplete { field: "namespace" })?,
            name: machine.name_any(),
            uid: machine.uid().ok_or(ReconcileError::Incomplete { field: "uid" })?,
        };
        let api: Api<Machine> = Api::namespaced(self.client.clone(), &asks.namespace);
        let machine = Arc::unwrap_or_clone(machine);
        let held = machine.finalizers().iter().any(|finalizer| finalizer == RELEASE_FINALIZER);
        match (machine.metadata.deletion_timestamp.is_some(), held) {
            (false, true) => self.provision(&api, machine, asks).await,
            (false, false) => {
                let machine = hold(&api, &machine).await?;
                self.provision(&api, machine, asks).await
            }
            (true, true) => self.release(&api, machine, asks).await,
            (true, false) => Ok(Action::await_change()),
        }
    }
}

impl MachineReconciler {
    async fn provision(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        asks: MachineRef,
    ) -> Result<Action, ReconcileError> {
        let request = InstanceRequest { machine: asks, version: machine.spec.version.clone() };
        match self.provider.ensure(&request).await {
            Ok(instance) => {
                let action = match instance.progress {
                    Progress::Booting(left) => Action::requeue(left),
                    Progress::Running => Action::await_change(),
                };
                self.write_status(api, machine, Finding::of(&instance)).await?;
                Ok(action)
            }
            Err(error) => self.report(api, machine, "ProviderFailed", error).await,
        }
    }

    async fn release(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        asks: MachineRef,
    ) -> Result<Action, ReconcileError> {
        let Some(machine) = self.write_status(api, machine, Finding::releasing()).await? else {
            return Ok(Action::await_change());
        };
        match self.provider.release(&asks).await {
            Ok(Release::Done) => {
                let regarding = machine.object_ref(&());
                let_go(api, &machine).await?;
                let note = "the provider has nothing left of it".to_owned();
                let released = Happening { tone: Tone::Normal, reason: "Released", action: "Release", note };
                self.recorder.tell(&regarding, released).await;
                Ok(Action::await_change())
            }
            Ok(Release::Underway(wait)) => Ok(Action::requeue(wait)),
            Err(error) => self.report(api, machine, "ReleaseFailed", error).await,
        }
    }

    /// Says in the status why the provider failed, then fails with it, so that the back-off applies.
    async fn report(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        reason: &'static str,
        error: ProviderError,
    ) -> Result<Action, ReconcileError> {
        let message = error.to_string();
        let error = ReconcileError::from(error);
        if !error.is_conflict() {
            self.write_status(api, machine, Finding::failed(reason, message)).await?;
        }
        Err(error)
    }

    /// Writes what was found unless it is there already. `None` says that the Machine is gone.
    async fn write_status(
        &self,
        api: &Api<Machine>,
        machine: Machine,
        finding: Finding,
    ) -> Result<Option<Machine>, ReconcileError> {
        let old = machine.status.clone().unwrap_or_default();
        let generation = machine.metadata.generation.unwrap_or_default();
        let ready = finding.ready();
        let provisioned = finding.provisioned(&old);
        let observed = [provisioned, ready.clone()];
        let conditions = conditions(&old.conditions, &observed, generation, self.clock.now());
        let provider_id = finding.provider_id.or_else(|| old.provider_id.clone());
        let status = MachineStatus {
            observed_generation: Some(generation),
            provider_id,
            version: finding.running,
            conditions,
        };
        let said = says(&old.conditions, &status.conditions);
        let unchanged =
            said && old == (MachineStatus { conditions: old.conditions.clone(), ..status.clone() });
        let before = old.conditions.iter().find(|condition| condition.type_ == ready.type_);
        let news = before.is_none_or(|condition| condition.reason != ready.reason);
        if unchanged {
            return Ok(Some(machine));
        }
        let params = PatchParams::apply(MACHINE_MANAGER).force();
        let status = Patch::Apply(status_of(&machine, &status));
        let machine = match api.patch_status(&machine.name_any(), &params, &status).await {
            Ok(machine) => machine,
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
            Err(error) => return Err(ReconcileError::api("writing a Machine's status")(error)),
        };
        if news {
            let (reason, note) = (ready.reason, ready.message);
            let happened = Happening { tone: finding.tone, reason, action: finding.action, note };
            self.recorder.tell(&machine.object_ref(&()), happened).await;
        }
        Ok(Some(machine))
    }
}

/// What a reconcile found out about a Machine's instance.
struct Finding {
    action: &'static str,
    tone: Tone,
    provider_id: Option<String>,
    running: Option<String>,
    reason: &'static str,
    message: String,
}

impl Finding {
    fn of(instance: &Instance) -> Self {
        let Instance { id, version, progress } = instance;
        let (running, reason, message) = match progress {
            Progress::Booting(_) => (None, "Booting", format!("{id} comes up with {version}")),
            Progress::Running => (Some(version.clone()), "Running", format!("{id} runs {version}")),
        };
        let (action, tone) = ("Provision", Tone::Normal);
        Self { action, tone, provider_id: Some(id.clone()), running, reason, message }
    }

    fn releasing() -> Self {
        let (action, tone) = ("Release", Tone::Normal);
        let message = "the provider takes its instance back".to_owned();
        Self { action, tone, provider_id: None, running: None, reason: "Releasing", message }
    }

    fn failed(reason: &'static str, message: String) -> Self {
        let (action, tone) = ("Provision", Tone::Warning);
        Self { action, tone, provider_id: None, running: None, reason, message }
    }

    fn ready(&self) -> Observation {
        let (reason, message) = (self.reason, self.message.clone());
        Observation { type_: "Ready", status: Truth::from(self.running.is_some()), reason, message }
    }

    /// Whether the provider has an instance: known when it answered, as before when it did not.
    fn provisioned(&self, old: &MachineStatus) -> Observation {
        let known = self.provider_id.as_ref().or(old.provider_id.as_ref());
        let (status, reason, message) = match (known, self.reason) {
            (Some(id), _) => (Truth::True, "InstanceExists", format!("{id} is this machine's instance")),
            (None, reason @ ("ProviderFailed" | "ReleaseFailed")) => {
                (Truth::Unknown, reason, self.message.clone())
            }
            (None, _) => (Truth::False, "NoInstance", "the provider was never asked".to_owned()),
        };
        Observation { type_: "Provisioned", status, reason, message }
    }
}

/// Puts the finalizer on; from here on the Machine cannot go without being released.
async fn hold(api: &Api<Machine>, machine: &Machine) -> Result<Machine, ReconcileError> {
    let mut finalizers = machine.finalizers().to_vec();
    finalizers.push(RELEASE_FINALIZER.to_owned());
    set_finalizers(api, machine, &finalizers)
        .await
        .map_err(ReconcileError::api("holding a Machine by its finalizer"))
}

/// Takes the finalizer off; with the last one the Machine goes.
async fn let_go(api: &Api<Machine>, machine: &Machine) -> Result<(), ReconcileError> {
    let mut finalizers = machine.finalizers().to_vec();
    finalizers.retain(|finalizer| finalizer != RELEASE_FINALIZER);
    match set_finalizers(api, machine, &finalizers).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(ReconcileError::api("letting go of a Machine")(error)),
    }
}

/// The resource version makes the write fail if anybody's finalizers changed since they were read.
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
