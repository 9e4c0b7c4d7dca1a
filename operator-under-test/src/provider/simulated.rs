//! The simulated provider: instances that take a while to come up and cost nothing.
//!
//! All it knows stands in [`SimulatedInstance`] objects, the time at which each comes up included. So an
//! operator that starts again in the middle finds every instance as it was, with the wait already served
//! counted.

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
    Changes, Instance, InstanceMachine, InstanceRequest, MachineRef, Progress, Provider, ProviderError,
    Release, SimulatedInstance, SimulatedInstanceSpec,
};
use crate::clock::Clock;

/// How long to wait before looking again at an instance that is being deleted.
const RELEASE_POLL: Duration = Duration::from_secs(1);

/// A provider whose instances are [`SimulatedInstance`] objects.
pub struct Simulated {
    client: Client,
    clock: Arc<dyn Clock>,
    boot: Duration,
}

impl Simulated {
    /// A provider that keeps its books through `client` and whose instances take `boot` to come up, by
    /// `clock`.
    pub fn new(client: Client, clock: Arc<dyn Clock>, boot: Duration) -> Self {
        Self { client, clock, boot }
    }

    async fn ensure(&self, request: &InstanceRequest) -> Result<Instance, ProviderError> {
        let id = id_of(&request.machine);
        let api = self.api(&request.machine);
        let found = api.get_opt(&id).await.map_err(failed("reading", &id))?;
        let object = match found {
            Some(object) if object.metadata.deletion_timestamp.is_some() => {
                return Err(ProviderError::GoingAway { id });
            }
            Some(object) if object.spec.version == request.version => object,
            Some(mut object) => {
                object.spec.version.clone_from(&request.version);
                object.spec.ready_at = self.ready_at();
                api.replace(&id, &PostParams::default(), &object)
                    .await
                    .map_err(failed("reinstalling", &id))?
            }
            None => self.create(&api, &id, request).await?,
        };
        Ok(Instance {
            id,
            version: object.spec.version,
            progress: progress(object.spec.ready_at.0, self.clock.now()),
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
            // The name is the Machine's uid: whoever made it, perhaps ourselves before a crash, made it for
            // us.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                api.get(id).await.map_err(failed("reading", id))
            }
            answer => answer.map_err(failed("creating", id)),
        }
    }

    async fn release(&self, machine: &MachineRef) -> Result<Release, ProviderError> {
        let id = id_of(machine);
        let api = self.api(machine);
        let Some(object) = api.get_opt(&id).await.map_err(failed("reading", &id))? else {
            return Ok(Release::Done);
        };
        if object.metadata.deletion_timestamp.is_none() {
            let preconditions = Preconditions { uid: object.uid(), resource_version: None };
            let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
            match api.delete(&id, &params).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(failed("deleting", &id)(error)),
            }
        }
        // A delete that was accepted is not a delete that is over: somebody may hold the object with a
        // finalizer.
        match api.get_opt(&id).await.map_err(failed("reading", &id))? {
            None => Ok(Release::Done),
            Some(_) => Ok(Release::Underway(RELEASE_POLL)),
        }
    }

    fn ready_at(&self) -> MicroTime {
        let boot = SignedDuration::try_from(self.boot).unwrap_or(SignedDuration::MAX);
        MicroTime(self.clock.now().saturating_add(boot).expect("adding a duration saturates"))
    }

    fn api(&self, machine: &MachineRef) -> Api<SimulatedInstance> {
        Api::namespaced(self.client.clone(), &machine.namespace)
    }
}

impl Provider for Simulated {
    fn ensure<'a>(&'a self, request: &'a InstanceRequest) -> BoxFuture<'a, Result<Instance, ProviderError>> {
        self.ensure(request).boxed()
    }

    fn release<'a>(&'a self, machine: &'a MachineRef) -> BoxFuture<'a, Result<Release, ProviderError>> {
        self.release(machine).boxed()
    }

    fn changes(&self, namespace: Option<&str>) -> Changes {
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

/// The name of a Machine's instance: a function of its uid, so that asking twice cannot make two.
fn id_of(machine: &MachineRef) -> String {
    format!("instance-{}", machine.uid)
}

fn progress(ready_at: Timestamp, now: Timestamp) -> Progress {
    match Duration::try_from(ready_at.duration_since(now)) {
        Ok(left) if !left.is_zero() => Progress::Booting(left),
        _ => Progress::Running,
    }
}

fn failed(action: &'static str, id: &str) -> impl FnOnce(kube::Error) -> ProviderError {
    move |error| ProviderError::Api { action, id: id.to_owned(), answer: error.into() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use k8s_openapi::jiff::Timestamp;

    use super::{MachineRef, Progress, id_of, progress};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("a time in range")
    }

    #[test]
    fn an_instance_boots_until_its_time_and_says_how_long() {
        assert_eq!(progress(at(30_000), at(0)), Progress::Booting(Duration::from_secs(30)));
        assert_eq!(progress(at(30_000), at(29_999)), Progress::Booting(Duration::from_millis(1)));
    }

    #[test]
    fn an_instance_runs_from_its_time_on() {
        assert_eq!(progress(at(30_000), at(30_000)), Progress::Running);
        assert_eq!(progress(at(30_000), at(90_000)), Progress::Running);
    }

    #[test]
    fn a_machine_of_the_same_name_gets_another_instance() {
        let first = MachineRef { namespace: "n".into(), name: "blue-1".into(), uid: "u1".into() };
        let second = MachineRef { uid: "u2".into(), ..first.clone() };
        assert_ne!(id_of(&first), id_of(&second));
    }
}
