//! Calls reconcilers: what follows a success, what follows a failure, and what is logged about either.
//!
//! Knows nothing of any kind nor of what wakes it; a controller that is already wired comes in.

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

/// Reconciles objects of one kind.
///
/// Called with an object whenever it, or something that bears on it, may have changed; the object may be a
/// little old. Must lead to the same end however often it is called and wherever it was cut off before.
pub(crate) trait Reconciler: Send + Sync + 'static {
    /// The kind.
    type Kind: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static;

    /// Moves the world one step closer to what `object` asks for, and says when to be called again.
    fn reconcile(
        &self,
        object: Arc<Self::Kind>,
    ) -> impl Future<Output = Result<Action, ReconcileError>> + Send;
}

/// What each call of a reconciler needs.
struct Context<R> {
    reconciler: R,
    backoff: ObjectBackoff,
}

/// Runs one controller to its end. A success forgets the object's failures; a failure waits longer each time.
pub(crate) async fn drive<R: Reconciler>(controller: Controller<R::Kind>, reconciler: R)
where
    R::Kind: DeserializeOwned,
{
    let context = Arc::new(Context { reconciler, backoff: ObjectBackoff::default() });
    let results = controller.run(reconcile_one::<R>, after_failure::<R>, Arc::clone(&context));
    log(results, &context.backoff).await;
}

#[expect(clippy::needless_pass_by_value, reason = "kube-runtime hands over what it calls with")]
fn after_failure<R: Reconciler>(
    object: Arc<R::Kind>,
    _: &ReconcileError,
    context: Arc<Context<R>>,
) -> Action {
    let key = key(&object.namespace().unwrap_or_default(), &object.name_any());
    Action::requeue(context.backoff.after_failure(key))
}

async fn reconcile_one<R: Reconciler>(
    object: Arc<R::Kind>,
    context: Arc<Context<R>>,
) -> Result<Action, ReconcileError> {
    let key = key(&object.namespace().unwrap_or_default(), &object.name_any());
    let action = context.reconciler.reconcile(object).await?;
    context.backoff.forget(&key);
    Ok(action)
}

async fn log<K>(
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

    use super::{Reconciler, drive};
    use crate::{
        api::{Machine, MachineSpec},
        reconcile::ReconcileError,
    };

    /// How one call ends.
    #[derive(Clone, Copy)]
    enum Outcome {
        Fails,
        AsksAgainAfter(Duration),
    }

    /// A reconciler that does as it is told and notes when it was called. At the end it waits for a change.
    struct Scripted {
        began: Instant,
        outcomes: Mutex<VecDeque<Outcome>>,
        calls: Arc<Mutex<Vec<u128>>>,
    }

    impl Reconciler for Scripted {
        type Kind = Machine;

        async fn reconcile(&self, _: Arc<Machine>) -> Result<Action, ReconcileError> {
            self.calls.lock().unwrap().push(self.began.elapsed().as_millis());
            match self.outcomes.lock().unwrap().pop_front() {
                Some(Outcome::Fails) => Err(ReconcileError::Incomplete { field: "nothing, it is a test" }),
                Some(Outcome::AsksAgainAfter(wait)) => Ok(Action::requeue(wait)),
                None => Ok(Action::await_change()),
            }
        }
    }

    const FAILS: Outcome = Outcome::Fails;

    fn after(seconds: u64) -> Outcome {
        Outcome::AsksAgainAfter(Duration::from_secs(seconds))
    }

    /// A watch that shows one Machine and then nothing for ever.
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

    /// When a Machine's reconciler is called in an hour, in milliseconds, if it ends like this each time.
    async fn calls(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<u128> {
        let calls = Arc::default();
        let scripted = Scripted {
            began: Instant::now(),
            outcomes: Mutex::new(outcomes.into_iter().collect()),
            calls: Arc::clone(&calls),
        };
        let ended = timeout(Duration::from_hours(1), drive(controller(), scripted)).await;
        assert!(ended.is_err(), "a controller does not end by itself");
        let called = calls.lock().unwrap();
        // tokio's timers go by whole milliseconds and round up.
        called.iter().map(|call| call / 10 * 10).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_tried_again_after_a_wait_that_doubles() {
        assert_eq!(calls([FAILS, FAILS, FAILS]).await, [0, 100, 300, 700]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_to_be_called_after_some_time_is_kept_exactly() {
        assert_eq!(calls([after(30), after(5)]).await, [0, 30_000, 35_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_makes_the_next_failure_the_first_again() {
        assert_eq!(calls([FAILS, FAILS, after(1), FAILS]).await, [0, 100, 300, 1300, 1400]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_is_forgotten_until_something_changes() {
        assert_eq!(calls([]).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_running_when_the_future_is_dropped() {
        let calls: Arc<Mutex<Vec<u128>>> = Arc::default();
        let scripted = Scripted {
            began: Instant::now(),
            outcomes: Mutex::new((0..100).map(|_| after(1)).collect()),
            calls: Arc::clone(&calls),
        };
        drop(timeout(Duration::from_millis(1500), drive(controller(), scripted)).await);
        tokio::time::advance(Duration::from_mins(1)).await;
        // A task that went on would hold the reconciler, and its notes with it.
        assert_eq!((calls.lock().unwrap().len(), Arc::strong_count(&calls)), (2, 1));
    }
}
