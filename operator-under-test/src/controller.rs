//! Running a `kube::runtime::Controller` with a [`Reconciler`]: error policy, per-object back-off and logging.
//!
//! The triggers of the controller are set up before, by `manager`.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use kube::{
    Resource, ResourceExt,
    runtime::{
        Controller,
        controller::{self, Action},
        reflector::ObjectRef,
        watcher,
    },
};
use serde::de::DeserializeOwned;

use crate::reconcile::{ObjectBackoff, ReconcileError};

/// The reconciler of one kind.
///
/// Called when the object or a related one may have changed, with an object from the cache, which may be stale. Must be
/// idempotent, also after a run that was cancelled at any await point.
pub(crate) trait Reconciler: Send + Sync + 'static {
    /// The kind that is reconciled.
    type Kind: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static;

    /// Brings the observed state closer to the spec of `object`; the [`Action`] says when to call again.
    fn reconcile(
        &self,
        object: Arc<Self::Kind>,
    ) -> impl Future<Output = Result<Action, ReconcileError>> + Send;
}

/// The context that `Controller::run` passes to each call.
struct Context<R> {
    reconciler: R,
    backoff: ObjectBackoff,
}

/// Runs `controller` until its streams end. Failures of an object are retried with exponential back-off, which a
/// success resets.
pub(crate) async fn run_controller<R: Reconciler>(controller: Controller<R::Kind>, reconciler: R)
where
    R::Kind: DeserializeOwned,
{
    let context = Arc::new(Context { reconciler, backoff: ObjectBackoff::default() });
    let results = controller.run(reconcile::<R>, error_policy::<R>, Arc::clone(&context));
    log_results(results, &context.backoff).await;
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is kube-runtime's")]
fn error_policy<R: Reconciler>(object: Arc<R::Kind>, _: &ReconcileError, context: Arc<Context<R>>) -> Action {
    let key = key(&object.namespace().unwrap_or_default(), &object.name_any());
    Action::requeue(context.backoff.next_delay(key))
}

async fn reconcile<R: Reconciler>(
    object: Arc<R::Kind>,
    context: Arc<Context<R>>,
) -> Result<Action, ReconcileError> {
    let key = key(&object.namespace().unwrap_or_default(), &object.name_any());
    let action = context.reconciler.reconcile(object).await?;
    context.backoff.forget(&key);
    Ok(action)
}

async fn log_results<K>(
    results: impl Stream<Item = Result<(ObjectRef<K>, Action), controller::Error<ReconcileError, watcher::Error>>>,
    backoff: &ObjectBackoff,
) where
    K: Resource<DynamicType = ()>,
{
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.next().await {
        match result {
            Ok((object, _)) => tracing::debug!(%object, "reconciled"),
            Err(controller::Error::ObjectNotFound(object)) => {
                backoff.forget(&key(object.namespace.as_deref().unwrap_or_default(), &object.name));
            }
            Err(controller::Error::ReconcilerFailed(error, object)) if error.is_conflict() => {
                tracing::debug!(%object, %error, "somebody wrote first; it is tried again");
            }
            Err(controller::Error::ReconcilerFailed(error, object)) => {
                tracing::warn!(%object, "failed {error}; it is tried again");
            }
            Err(error) => tracing::warn!(%error, "a watch failed; it is tried again"),
        }
    }
}

fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use futures::{StreamExt, stream};
    use kube::{
        api::ObjectMeta,
        runtime::{
            Controller, WatchStreamExt,
            controller::Action,
            reflector,
            watcher::{self, Event},
        },
    };
    use tokio::time::{Instant, timeout};

    use super::{Reconciler, run_controller};
    use crate::{
        api::{Machine, MachineSpec},
        reconcile::ReconcileError,
    };

    /// The result of one scripted call.
    #[derive(Clone, Copy)]
    enum ScriptedResult {
        Error,
        Requeue(Duration),
    }

    /// A reconciler that returns the scripted results, then awaits a change, and records the time of each call.
    struct ScriptedReconciler {
        began: Instant,
        results: Mutex<VecDeque<ScriptedResult>>,
        calls: Arc<Mutex<Vec<u128>>>,
    }

    impl Reconciler for ScriptedReconciler {
        type Kind = Machine;

        async fn reconcile(&self, _: Arc<Machine>) -> Result<Action, ReconcileError> {
            self.calls.lock().unwrap().push(self.began.elapsed().as_millis());
            match self.results.lock().unwrap().pop_front() {
                Some(ScriptedResult::Error) => {
                    Err(ReconcileError::MissingField { field: "nothing, it is a test" })
                }
                Some(ScriptedResult::Requeue(delay)) => Ok(Action::requeue(delay)),
                None => Ok(Action::await_change()),
            }
        }
    }

    const ERROR: ScriptedResult = ScriptedResult::Error;

    fn requeue(seconds: u64) -> ScriptedResult {
        ScriptedResult::Requeue(Duration::from_secs(seconds))
    }

    /// A controller whose watch lists one Machine and then stays silent.
    fn controller() -> Controller<Machine> {
        let machine = Machine {
            metadata: ObjectMeta {
                name: Some("a".into()),
                namespace: Some("n".into()),
                ..ObjectMeta::default()
            },
            spec: MachineSpec { cluster_name: "c".into(), version: "1.37.2".into() },
            status: None,
        };
        let (reader, writer) = reflector::store();
        let shown = [Event::Init, Event::InitApply(machine), Event::InitDone].map(Ok::<_, watcher::Error>);
        let watch = stream::iter(shown).chain(stream::pending());
        Controller::for_stream(watch.reflect(writer).applied_objects(), reader)
    }

    /// Runs a controller for one hour and returns the times of its calls, in milliseconds.
    async fn calls(results: impl IntoIterator<Item = ScriptedResult>) -> Vec<u128> {
        let calls = Arc::default();
        let scripted = ScriptedReconciler {
            began: Instant::now(),
            results: Mutex::new(results.into_iter().collect()),
            calls: Arc::clone(&calls),
        };
        let ended = timeout(Duration::from_hours(1), run_controller(controller(), scripted)).await;
        assert!(ended.is_err(), "a controller does not end by itself");
        let called = calls.lock().unwrap();
        // tokio's timers round up to whole milliseconds.
        called.iter().map(|call| call / 10 * 10).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_retried_after_delays_that_double() {
        assert_eq!(calls([ERROR, ERROR, ERROR]).await, [0, 100, 300, 700]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_requeue_is_kept_to_the_millisecond() {
        assert_eq!(calls([requeue(30), requeue(5)]).await, [0, 30_000, 35_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_resets_the_backoff() {
        assert_eq!(calls([ERROR, ERROR, requeue(1), ERROR]).await, [0, 100, 300, 1300, 1400]);
    }

    #[tokio::test(start_paused = true)]
    async fn await_change_does_not_call_again() {
        assert_eq!(calls([]).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_future_stops_the_controller() {
        let calls: Arc<Mutex<Vec<u128>>> = Arc::default();
        let scripted = ScriptedReconciler {
            began: Instant::now(),
            results: Mutex::new((0..100).map(|_| requeue(1)).collect()),
            calls: Arc::clone(&calls),
        };
        drop(timeout(Duration::from_millis(1500), run_controller(controller(), scripted)).await);
        tokio::time::advance(Duration::from_mins(1)).await;
        // A task that still ran would hold the reconciler and with it the list of calls.
        assert_eq!((calls.lock().unwrap().len(), Arc::strong_count(&calls)), (2, 1));
    }
}
