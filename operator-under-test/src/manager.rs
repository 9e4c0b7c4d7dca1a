//! The watches of the operator and the reconcilers that they trigger.
//!
//! Requests are deduplicated by object, one object is never reconciled concurrently with itself, and different objects
//! do not wait for each other. Nothing is left running when [`run`] returns or when its future is dropped.

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
    api::{Cluster, Machine},
    api_error::ApiError,
    clock::Clock,
    controller::run_controller,
    events::Recorder,
    health::Health,
    provider::Provider,
    reconcile::{ClusterReconciler, MachineReconciler, WatchBackoff},
};

/// The configuration of an operator.
pub struct Options {
    /// The namespace to watch; `None` watches all.
    pub namespace: Option<String>,
    /// The provider of instances.
    pub provider: Arc<dyn Provider>,
    /// The clock for conditions and Events.
    pub clock: Arc<dyn Clock>,
    /// Set to ready while the controllers run.
    pub health: Health,
    /// Once this completes, the operator finishes the reconciles in flight and stops.
    pub shutdown: BoxFuture<'static, ()>,
}

/// A failure of the operator at its start.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// The API server does not serve a kind of the operator.
    #[error(
        "start: the server does not serve {crd_name}; install the operator's kinds first \
         (`seatrial-operator crds | kubectl apply -f -`)"
    )]
    NotServed {
        /// The name of the CRD, such as `clusters.fleet.seatrial.dev`.
        crd_name: String,
    },
    /// A list request for a kind of the operator failed.
    #[error("start: asking the server for {crd_name}: {error}")]
    List {
        /// The name of the CRD.
        crd_name: String,
        /// The error of the request.
        error: ApiError,
    },
}

/// Runs the operator until `options.shutdown` completes.
///
/// Fails only at the start, if a kind is not served or cannot be listed. Later failures are retried for each object
/// with exponential back-off.
pub async fn run(client: Client, options: Options) -> Result<(), ManagerError> {
    let Options { namespace, provider, clock, health, shutdown } = options;
    let scope = WatchScope { client: client.clone(), namespace };
    let shutdown = shutdown.shared();
    // The operator can be stopped while a server does not answer.
    match future::select(Box::pin(scope.check_all_served()), shutdown.clone()).await {
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
    futures::join!(
        run_controller(clusters, cluster_reconciler),
        run_controller(machines, machine_reconciler)
    );
    health.set_ready(false);
    tracing::info!("the operator has stopped");
    Ok(())
}

/// The client and the namespace of all watches.
struct WatchScope {
    client: Client,
    namespace: Option<String>,
}

impl WatchScope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// Without this check, a missing CRD would only show as watches that are retried for ever.
    async fn check_all_served(&self) -> Result<(), ManagerError> {
        self.check_served::<Cluster>().await?;
        self.check_served::<Machine>().await
    }

    async fn check_served<K>(&self) -> Result<(), ManagerError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let crd_name = format!("{}.{}", K::plural(&()), K::group(&()));
        match self.api::<K>().list(&ListParams::default().limit(1)).await.map_err(ApiError::from) {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Err(ManagerError::NotServed { crd_name }),
            Err(error) => Err(ManagerError::List { crd_name, error }),
        }
    }

    /// A controller of `K` that changes of generation or finalizers trigger, and changes of status do not.
    ///
    /// Setting `deletionTimestamp` increments the generation, so it triggers the controller too.
    fn controller<K>(&self) -> Controller<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
    {
        let (reader, writer) = reflector::store();
        let changes = watcher(self.api::<K>(), watcher::Config::default())
            .reflect(writer)
            .applied_objects()
            .predicate_filter(
                kube::runtime::Predicate::combine(predicates::generation, predicates::finalizers),
                PredicateConfig::default(),
            );
        Controller::for_stream(changes, reader).trigger_backoff(WatchBackoff::default())
    }
}
