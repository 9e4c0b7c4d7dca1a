//! Wires kinds to reconcilers: what is watched, and what wakes whom.
//!
//! The one place that knows all of them. Requests are deduplicated by object, one object is never
//! reconciled twice at a time, and different objects do not wait for each other. Nothing is left running when
//! [`run`] returns, nor when its future is dropped.

use std::sync::Arc;

use futures::{
    FutureExt, StreamExt,
    future::{self, BoxFuture, Either},
};
use kube::{
    Api, Client, Resource,
    api::ListParams,
    core::NamespaceResourceScope,
    runtime::{
        Controller, PredicateConfig, WatchStreamExt, predicates,
        reflector::{self, ObjectRef},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::{
    answer::Answer,
    api::{Cluster, Machine},
    clock::Clock,
    drive::drive,
    events::Recorder,
    health::Health,
    provider::Provider,
    reconcile::{ClusterReconciler, MachineReconciler, WatchBackoff},
};

/// What an operator is made of besides its client.
pub struct Options {
    /// The one namespace to look after; `None` looks after all.
    pub namespace: Option<String>,
    /// Where instances come from.
    pub provider: Arc<dyn Provider>,
    /// What time it is, for conditions and events.
    pub clock: Arc<dyn Clock>,
    /// Is told when the operator looks after its kinds.
    pub health: Health,
    /// When this is over the operator finishes what it is doing and stops.
    pub shutdown: BoxFuture<'static, ()>,
}

/// Why the operator could not start.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// The server does not serve a kind that the operator needs.
    #[error(
        "start: the server does not serve {plural}; install the operator's kinds first \
         (`seatrial-operator crds | kubectl apply -f -`)"
    )]
    NotServed {
        /// The kind's full name, such as `clusters.fleet.seatrial.dev`.
        plural: String,
    },
    /// The server could not be asked.
    #[error("start: asking the server for {plural}: {answer}")]
    Unreachable {
        /// The kind's full name.
        plural: String,
        /// What came back.
        answer: Answer,
    },
}

/// Runs the operator until `options.shutdown` is over.
///
/// Fails only at the start, if the server cannot be asked or lacks a kind. After that, failures are retried,
/// for each object by itself, with a growing wait.
pub async fn run(client: Client, options: Options) -> Result<(), ManagerError> {
    let Options { namespace, provider, clock, health, shutdown } = options;
    let scope = Scope { client: client.clone(), namespace };
    let shutdown = shutdown.shared();
    // A server that does not answer must not keep anybody from stopping the operator.
    match future::select(Box::pin(scope.check_all()), shutdown.clone()).await {
        Either::Left((served, _)) => served?,
        Either::Right(((), _)) => return Ok(()),
    }
    let recorder = Recorder::new(client.clone(), Arc::clone(&clock));

    let clusters = scope
        .controller::<Cluster>()
        .owns(scope.api::<Machine>(), watcher::Config::default())
        .graceful_shutdown_on(shutdown.clone());
    let cluster_reconciler =
        ClusterReconciler { client: client.clone(), recorder: recorder.clone(), clock: Arc::clone(&clock) };

    let changes = provider.changes(scope.namespace.as_deref());
    let machines = scope
        .controller::<Machine>()
        .reconcile_on(changes.map(|machine| ObjectRef::new(&machine.name).within(&machine.namespace)))
        .graceful_shutdown_on(shutdown);
    let machine_reconciler = MachineReconciler { client, provider, recorder, clock };

    tracing::info!(namespace = scope.namespace.as_deref().unwrap_or("all"), "the operator runs");
    health.set_ready(true);
    futures::join!(drive(clusters, cluster_reconciler), drive(machines, machine_reconciler));
    health.set_ready(false);
    tracing::info!("the operator has stopped");
    Ok(())
}

/// Which objects the operator looks after.
struct Scope {
    client: Client,
    namespace: Option<String>,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// Without its kinds the operator would retry for ever and say nothing that helps.
    async fn check_all(&self) -> Result<(), ManagerError> {
        self.check::<Cluster>().await?;
        self.check::<Machine>().await
    }

    async fn check<K>(&self) -> Result<(), ManagerError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let plural = format!("{}.{}", K::plural(&()), K::group(&()));
        match self.api::<K>().list(&ListParams::default().limit(1)).await.map_err(Answer::from) {
            Ok(_) => Ok(()),
            Err(answer) if answer.is_not_found() => Err(ManagerError::NotServed { plural }),
            Err(answer) => Err(ManagerError::Unreachable { plural, answer }),
        }
    }

    /// A controller that objects of `K` wake when something that they ask for changes, not when their status
    /// does.
    ///
    /// Marking for deletion raises the generation, so it passes too.
    fn controller<K>(&self) -> Controller<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let (reader, writer) = reflector::store();
        let asked = watcher(self.api::<K>(), watcher::Config::default())
            .reflect(writer)
            .applied_objects()
            .predicate_filter(
                kube::runtime::Predicate::combine(predicates::generation, predicates::finalizers),
                PredicateConfig::default(),
            );
        Controller::for_stream(asked, reader).trigger_backoff(WatchBackoff::default())
    }
}
