//! The simulated provider: instances without a machine behind them that take some time to boot.
//!
//! Its whole state, the time at which each instance runs included, is in [`SimulatedInstance`] objects, so a restart of
//! the operator neither loses nor prolongs a boot.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
    runtime::{WatchStreamExt, watcher},
};

use super::{
    ChangeStream, Instance, InstanceMachine, InstancePhase, InstanceRequest, MachineRef, Provider,
    ProviderError, ReleaseStatus, SimulatedInstance, SimulatedInstanceSpec,
};
use crate::clock::Clock;

/// The delay before the next call of `release` for an instance that is being deleted.
const RELEASE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A provider whose instances are [`SimulatedInstance`] objects.
pub struct SimulatedProvider {
    client: Client,
    clock: Arc<dyn Clock>,
    boot_duration: Duration,
}

impl SimulatedProvider {
    /// A provider whose instances take `boot_duration` to boot, measured by `clock`.
    pub fn new(client: Client, clock: Arc<dyn Clock>, boot_duration: Duration) -> Self {
        Self { client, clock, boot_duration }
    }

    async fn ensure(&self, request: &InstanceRequest) -> Result<Instance, ProviderError> {
        let id = instance_id(&request.machine);
        let api = self.api(&request.machine);
        let found = api.get_opt(&id).await.map_err(api_error("reading", &id))?;
        let object = match found {
            Some(object) if object.metadata.deletion_timestamp.is_some() => {
                return Err(ProviderError::Terminating { id });
            }
            Some(object) if object.spec.version == request.version => object,
            Some(mut object) => {
                object.spec.version.clone_from(&request.version);
                object.spec.ready_at = self.ready_at();
                api.replace(&id, &PostParams::default(), &object)
                    .await
                    .map_err(api_error("reinstalling", &id))?
            }
            None => self.create(&api, &id, request).await?,
        };
        Ok(Instance {
            id,
            version: object.spec.version,
            phase: phase_at(object.spec.ready_at.0, self.clock.now()),
        })
    }

    async fn create(
        &self,
        api: &Api<SimulatedInstance>,
        id: &str,
        request: &InstanceRequest,
    ) -> Result<SimulatedInstance, ProviderError> {
        let machine =
            InstanceMachine { name: request.machine.name.clone(), uid: request.machine.uid.clone() };
        let object = SimulatedInstance {
            metadata: ObjectMeta { name: Some(id.to_owned()), ..ObjectMeta::default() },
            spec: SimulatedInstanceSpec {
                machine,
                version: request.version.clone(),
                ready_at: self.ready_at(),
            },
        };
        match api.create(&PostParams::default(), &object).await {
            // Its name has the Machine's uid, so it was created for this Machine, perhaps before a crash.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                api.get(id).await.map_err(api_error("reading", id))
            }
            result => result.map_err(api_error("creating", id)),
        }
    }

    async fn release(&self, machine: &MachineRef) -> Result<ReleaseStatus, ProviderError> {
        let id = instance_id(machine);
        let api = self.api(machine);
        let Some(object) = api.get_opt(&id).await.map_err(api_error("reading", &id))? else {
            return Ok(ReleaseStatus::Complete);
        };
        if object.metadata.deletion_timestamp.is_none() {
            let preconditions = Preconditions { uid: object.uid(), resource_version: None };
            let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
            match api.delete(&id, &params).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(api_error("deleting", &id)(error)),
            }
        }
        // A finalizer may keep the object after the delete was accepted.
        match api.get_opt(&id).await.map_err(api_error("reading", &id))? {
            None => Ok(ReleaseStatus::Complete),
            Some(_) => Ok(ReleaseStatus::InProgress(RELEASE_POLL_INTERVAL)),
        }
    }

    fn ready_at(&self) -> MicroTime {
        let boot = SignedDuration::try_from(self.boot_duration).unwrap_or(SignedDuration::MAX);
        MicroTime(self.clock.now().saturating_add(boot).expect("adding a duration saturates"))
    }

    fn api(&self, machine: &MachineRef) -> Api<SimulatedInstance> {
        Api::namespaced(self.client.clone(), &machine.namespace)
    }
}

impl Provider for SimulatedProvider {
    fn ensure<'a>(&'a self, request: &'a InstanceRequest) -> BoxFuture<'a, Result<Instance, ProviderError>> {
        self.ensure(request).boxed()
    }

    fn release<'a>(&'a self, machine: &'a MachineRef) -> BoxFuture<'a, Result<ReleaseStatus, ProviderError>> {
        self.release(machine).boxed()
    }

    fn changes(&self, namespace: Option<&str>) -> ChangeStream {
        let api: Api<SimulatedInstance> = match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        watcher(api, watcher::Config::default())
            .backoff(crate::reconcile::WatchBackoff::default())
            .touched_objects()
            .filter_map(async |change| match change {
                Ok(instance) => Some(MachineRef {
                    namespace: instance.namespace()?,
                    name: instance.spec.machine.name,
                    uid: instance.spec.machine.uid,
                }),
                Err(error) => {
                    tracing::warn!(%error, "watching simulated instances failed; it is tried again");
                    None
                }
            })
            .boxed()
    }
}

/// The id of a Machine's instance, derived from the uid, so that a repeated request creates no second instance.
fn instance_id(machine: &MachineRef) -> String {
    format!("instance-{}", machine.uid)
}

fn phase_at(ready_at: Timestamp, now: Timestamp) -> InstancePhase {
    match Duration::try_from(ready_at.duration_since(now)) {
        Ok(left) if !left.is_zero() => InstancePhase::Booting(left),
        _ => InstancePhase::Running,
    }
}

fn api_error(action: &'static str, id: &str) -> impl FnOnce(kube::Error) -> ProviderError {
    move |error| ProviderError::Api { action, id: id.to_owned(), error: error.into() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::jiff::Timestamp;

    use super::{InstancePhase, MachineRef, instance_id, phase_at};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("a time in range")
    }

    #[test]
    fn an_instance_boots_until_ready_at() {
        assert_eq!(phase_at(at(30_000), at(0)), InstancePhase::Booting(Duration::from_secs(30)));
        assert_eq!(phase_at(at(30_000), at(29_999)), InstancePhase::Booting(Duration::from_millis(1)));
    }

    #[test]
    fn an_instance_runs_from_ready_at_on() {
        assert_eq!(phase_at(at(30_000), at(30_000)), InstancePhase::Running);
        assert_eq!(phase_at(at(30_000), at(90_000)), InstancePhase::Running);
    }

    #[test]
    fn a_machine_of_the_same_name_gets_another_instance() {
        let first = MachineRef { namespace: "n".into(), name: "blue-1".into(), uid: "u1".into() };
        let second = MachineRef { uid: "u2".into(), ..first.clone() };
        assert_ne!(instance_id(&first), instance_id(&second));
    }
}
