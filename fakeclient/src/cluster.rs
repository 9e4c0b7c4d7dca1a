//! `FakeCluster` and its builder: the only file that knows all parts.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use kube::Client;
use serde_json::Value;

use crate::admission::chain::Chain;
use crate::controllers::{self, Controllers};
use crate::endpoint::service::FakeService;
use crate::endpoint::socket::{self, ServeError, Serving};
use crate::error::ApiError;
use crate::instruments::clock::Clock;
use crate::instruments::faults::{FaultGuard, Faults, RequestMatch};
use crate::instruments::ids::Ids;
use crate::instruments::journal::{Entry, Journal};
use crate::registry::conversion;
use crate::registry::lookup::Registry;
use crate::registry::resource::Resource;
use crate::store::{CommitError, Event, Store, Write};

/// All parts, shared by every client of a cluster.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<Store>,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) admission: Chain,
    registry: Mutex<Registry>,
    controllers: Mutex<Controllers>,
    unseen: Mutex<VecDeque<Arc<Event>>>,
}

impl Core {
    /// What is served now.
    pub(crate) fn registry(&self) -> Registry {
        self.registry.lock().expect("the registry's lock is held for a copy only").clone()
    }

    /// Changes what is served.
    pub(crate) fn serve(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.registry.lock().expect("the registry's lock is held for a change only"));
    }

    /// Commits, and remembers for the controllers what happened.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<Vec<Arc<Event>>, CommitError> {
        let events = self.store.commit(writes)?;
        let mut unseen = self.unseen.lock().expect("the queue's lock is held for a push only");
        unseen.extend(events.iter().cloned());
        Ok(events)
    }

    /// Lets the controllers react to all that was committed, and to what they commit themselves, until all is quiet.
    pub(crate) fn settle(self: &Arc<Self>) {
        if self.unseen.lock().expect("the queue's lock is held for a look only").is_empty() {
            return;
        }
        let mut controllers = self.controllers.lock().expect("no controller panics");
        loop {
            let next = self.unseen.lock().expect("the queue's lock is held for a pop only").pop_front();
            let Some(event) = next else { return };
            controllers.step(self, &event);
        }
    }

    /// A stored object as this version serves it.
    pub(crate) fn served<'v>(
        &self,
        resource: &Resource,
        stored: &'v Value,
    ) -> Result<Cow<'v, Value>, ApiError> {
        conversion::served(resource, self.stored_version(resource).as_deref(), stored)
    }

    /// An object of this version as it is stored.
    pub(crate) fn stored(&self, resource: &Resource, object: Value) -> Result<Value, ApiError> {
        conversion::stored(resource, self.stored_version(resource).as_deref(), object)
    }

    /// The version that another version's objects are stored as, where that one is served.
    fn stored_version(&self, resource: &Resource) -> Option<Arc<Resource>> {
        if resource.is_builtin() || resource.is_storage_version() {
            return None;
        }
        self.registry().resource(&resource.group, &resource.storage.version, &resource.plural)
    }
}

/// An in-memory Kubernetes cluster: an API server and the controllers of a control plane without nodes.
///
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::api::{Api, PostParams};
/// use seatrial_fakeclient::FakeCluster;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = FakeCluster::new();
/// let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
/// let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "greeting"}, "data": {"hello": "sea"}}))?;
/// maps.create(&PostParams::default(), &map).await?;
/// assert_eq!(maps.get("greeting").await?.data, map.data);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FakeCluster {
    core: Arc<Core>,
}

impl Default for FakeCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCluster {
    /// A cluster with the namespaces that every cluster has, seed 0 and the machine's clock.
    pub fn new() -> Self {
        Self::builder().build().expect("an empty cluster has no object that could be refused")
    }

    /// A cluster with a seed, a clock or objects of your choice.
    pub fn builder() -> FakeClusterBuilder {
        FakeClusterBuilder { seed: 0, clock: Clock::system(), documents: Vec::new() }
    }

    /// A client with the rights of an administrator.
    ///
    /// # Panics
    /// Outside a tokio runtime: the client's queue lives in the runtime in which it was made.
    pub fn client(&self) -> Client {
        self.client_as("admin")
    }

    /// A client whose requests are recorded under this name. Everything is allowed to everybody: RBAC is not modelled.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn client_as(&self, user: &str) -> Client {
        Client::new(FakeService::new(Arc::clone(&self.core), user), "default")
    }

    /// The API server itself, for a client of another kind.
    pub fn service(&self) -> FakeService {
        FakeService::new(Arc::clone(&self.core), "admin")
    }

    /// Puts the API server on a TLS socket of the loopback interface, for kubectl and clients in any language. Port 0
    /// takes a free one. HTTP/2 and HTTP/1.1; a CA of its own; an administrator's client certificate and token are in
    /// the handle's kubeconfig.
    pub async fn serve(&self, port: u16) -> Result<Serving, ServeError> {
        socket::serve(Arc::clone(&self.core), port).await
    }

    /// Fails the `nth` request from now on that matches (1 is the first, 0 all) with this error, until the guard is
    /// dropped.
    pub fn fail(&self, of: RequestMatch, nth: u64, error: ApiError) -> FaultGuard {
        self.core.faults.fail(of, nth, error)
    }

    /// The requests answered so far, oldest first (the newest 100,000).
    pub fn requests(&self) -> Vec<Entry> {
        self.core.journal.entries()
    }

    /// Forgets the history of all that is stored: a watch or a page from before answers 410.
    pub fn compact(&self) {
        let now = self.core.store.snapshot().revision();
        self.core.store.compact(now);
    }

    /// The cluster's clock.
    pub fn clock(&self) -> Clock {
        self.core.clock.clone()
    }
}

/// Makes a [`FakeCluster`].
#[derive(Debug)]
pub struct FakeClusterBuilder {
    seed: u64,
    clock: Clock,
    documents: Vec<String>,
}

impl FakeClusterBuilder {
    /// UIDs, generated names and allocated addresses are a function of the seed and of the requests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where timestamps come from.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Objects to begin with, as multi-document YAML; created in order, as by an administrator.
    #[must_use]
    pub fn objects(mut self, yaml: &str) -> Self {
        self.documents.push(yaml.to_owned());
        self
    }

    /// The cluster.
    ///
    /// # Errors
    /// If a document is no YAML, or one of the objects is refused.
    pub fn build(self) -> Result<FakeCluster, BuildError> {
        let core = Arc::new(Core {
            store: Arc::new(Store::default()),
            ids: Ids::new(self.seed),
            clock: self.clock,
            faults: Faults::default(),
            journal: Journal::default(),
            admission: Chain::default(),
            registry: Mutex::new(Registry::new()),
            controllers: Mutex::new(Controllers::default()),
            unseen: Mutex::new(VecDeque::new()),
        });
        controllers::bootstrap(&core);
        for document in &self.documents {
            controllers::load(&core, document)?;
        }
        Ok(FakeCluster { core })
    }
}

/// Why a cluster could not be made with these objects.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Not YAML.
    #[error("failed to read the objects: {0}")]
    Yaml(String),
    /// No such kind.
    #[error(
        "failed to create object {index}: nothing serves kind {kind:?} of {api_version:?}; is its CRD before it?"
    )]
    UnknownKind {
        /// Which document, from 1.
        index: usize,
        /// As it stands in the document.
        kind: String,
        /// As it stands in the document.
        api_version: String,
    },
    /// Refused as the API server would refuse it.
    #[error("failed to create object {index}: {error}")]
    Refused {
        /// Which document, from 1.
        index: usize,
        /// The answer.
        error: ApiError,
    },
}
