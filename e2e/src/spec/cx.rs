//! What a spec holds in its hand: a client, a namespace of its own, and a list of what to undo.
//!
//! It offers what specs of any operator need. What one operator's specs need besides (starting it, its own
//! builders) is an extension trait in that operator's tests.

use std::any::type_name;
use std::cell::RefCell;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use seatrial_fakeclient::Clock;
use serde::Serialize;
use serde_json::Value;

use crate::artefacts::Collector;
use crate::expect::{Collection, Consistently, Eventually, Expect, Object, Observable, Probe};
use crate::extensions::Extensions;
use crate::failure::{Failure, SpecResult};
use crate::managed_fields::FIELD_MANAGER;
use crate::spec::cleanup::Cleanups;
use crate::spec::life::CLEANUP_LIMIT;
use crate::spec::{Board, Kind, RequestError, Task, TaskOutput, object_label};
use crate::tier::Connection;

/// A spec's context.
pub struct Cx {
    pub(crate) spec: Rc<str>,
    pub(crate) tier: &'static str,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) namespace: String,
    pub(crate) seed: u64,
    pub(crate) board: Arc<Board>,
    pub(crate) cleanups: Cleanups,
    pub(crate) tasks: RefCell<Vec<Task>>,
    /// What only the spec's tier has.
    pub(crate) extensions: Extensions,
    pub(crate) kept: RefCell<Extensions>,
    /// Other namespaces that a failure may have to do with.
    pub(crate) looks_at: RefCell<Vec<String>>,
    /// Who collects what something of the spec's own knows of a failure.
    pub(crate) collectors: RefCell<Vec<Rc<dyn Collector>>>,
}

impl Cx {
    /// The first context on a connection.
    pub(crate) fn new(
        connection: Connection,
        tier: &'static str,
        namespace: String,
        spec: &str,
        seed: u64,
        board: &Arc<Board>,
    ) -> Self {
        let Connection { client, clock, extensions, .. } = connection;
        Self {
            spec: spec.into(),
            tier,
            client,
            clock,
            namespace,
            seed,
            board: Arc::clone(board),
            cleanups: Cleanups::default(),
            tasks: RefCell::default(),
            extensions,
            kept: RefCell::default(),
            looks_at: RefCell::default(),
            collectors: RefCell::default(),
        }
    }

    /// A context within this one: the same cluster and namespace, what was kept until now, clean-ups and tasks of
    /// its own.
    pub(crate) fn within(&self, spec: &str, seed: u64, board: &Arc<Board>) -> Self {
        Self {
            spec: spec.into(),
            tier: self.tier,
            client: self.client.clone(),
            clock: self.clock.clone(),
            namespace: self.namespace.clone(),
            seed,
            board: Arc::clone(board),
            cleanups: Cleanups::default(),
            tasks: RefCell::default(),
            extensions: self.extensions.clone(),
            kept: RefCell::new(self.kept.borrow().clone()),
            looks_at: RefCell::new(self.looks_at.borrow().clone()),
            collectors: RefCell::new(self.collectors.borrow().clone()),
        }
    }
}

/// Where the spec is.
impl Cx {
    /// The spec's full name.
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// The tier's name: `fake`, `envtest`, `kind` or `existing`.
    pub fn tier(&self) -> &'static str {
        self.tier
    }

    /// The spec's namespace: its own, or that of the group with which it shares a cluster. It is deleted after the
    /// spec, or after the last spec of that group.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A client that may do everything. It must not leave the spec.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The spec's seed, for everything in it that is random. It follows from the run's seed and the
    /// spec's name.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The cluster's time: virtual on tier `fake`, where it stands still while somebody works.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Says that the spec has to do with another namespace, too, such as the one its operator runs in: what explains a
    /// failure is collected from there as well.
    pub fn looks_at(&self, namespace: &str) {
        self.looks_at.borrow_mut().push(namespace.to_owned());
    }

    /// Says what the spec does next. Printed with a failure, and at once under `--nocapture`.
    pub fn step(&self, text: impl Into<String>) {
        self.board.step(&text.into());
    }
}

/// For extensions of the context.
#[cfg(any(test, feature = "kind"))]
impl Cx {
    /// Adds a collector that is asked when the spec has failed.
    pub(crate) fn add_collector(&self, collector: Rc<dyn Collector>) {
        self.collectors.borrow_mut().push(collector);
    }

    pub(crate) fn remove_collector(&self, collector: &Rc<dyn Collector>) {
        self.collectors.borrow_mut().retain(|other| !Rc::ptr_eq(other, collector));
    }

    /// A step that lasts until it is told to have ended.
    #[cfg(feature = "kind")]
    pub(crate) fn fault(&self, text: &str) -> crate::report::Ongoing {
        self.board.goes_on(crate::report::MomentKind::Fault, text)
    }
}

/// Requests.
impl Cx {
    /// A kind's objects in the spec's namespace, or in the cluster for a cluster-scoped kind.
    pub fn api<K: Kind>(&self) -> Api<K> {
        self.api_in(&self.namespace)
    }

    fn api_in<K: Kind>(&self, namespace: &str) -> Api<K> {
        <K::Scope as crate::spec::ScopedApi<K>>::api(self.client.clone(), namespace)
    }

    pub(crate) fn api_of<K: Kind>(&self, object: &K) -> Api<K> {
        self.api_in(object.meta().namespace.as_deref().unwrap_or(&self.namespace))
    }

    fn error<K: Kind>(&self, verb: &'static str, name: &str, source: kube::Error) -> RequestError {
        let namespace = self.api::<K>().namespace().map(str::to_owned);
        RequestError::new(verb, object_label(&K::kind(&()), namespace.as_deref(), name), source)
    }

    /// What is in a Secret must not be told from now on.
    fn keeps_secret<K: Kind>(&self, object: &K) {
        if K::kind(&()) == "Secret"
            && let Ok(json) = serde_json::to_value(object)
        {
            self.board.veil().learn(&json);
        }
    }

    /// Creates an object, in the spec's namespace unless it names another one. Its field manager is `seatrial`, as that of
    /// the spec's other writes.
    pub async fn create<K: Kind>(&self, object: &K) -> Result<K, RequestError> {
        self.keeps_secret(object);
        let field_manager = Some(FIELD_MANAGER.to_owned());
        let parameters = PostParams { field_manager, ..PostParams::default() };
        let created = self.api_of(object).create(&parameters, object).await;
        created.map_err(|error| self.error::<K>("create", &name_or_prefix(object), error))
    }

    /// Creates an object or, if it is there already, merges this one into it.
    pub async fn ensure<K: Kind>(&self, object: &K) -> Result<K, RequestError> {
        match self.create(object).await {
            Err(error) if error.status().is_some_and(|status| status.reason == "AlreadyExists") => {
                let name = object.name_any();
                let patched = self.api_of(object).patch(&name, &by_the_spec(), &Patch::Merge(object)).await;
                patched.map_err(|error| self.error::<K>("patch", &name, error))
            }
            other => other,
        }
    }

    /// Reads an object of the spec's namespace.
    pub async fn get<K: Kind>(&self, name: &str) -> Result<K, RequestError> {
        let found = self.api::<K>().get(name).await.map_err(|error| self.error::<K>("get", name, error));
        found.inspect(|object| self.keeps_secret(object))
    }

    /// Patches an object of the spec's namespace by JSON merge patch.
    pub async fn patch_merge<K: Kind>(&self, name: &str, patch: Value) -> Result<K, RequestError> {
        if K::kind(&()) == "Secret" {
            self.board.veil().learn(&patch);
        }
        let patched = self.api::<K>().patch(name, &by_the_spec(), &Patch::Merge(patch)).await;
        patched.map_err(|error| self.error::<K>("patch", name, error))
    }

    /// Asks for the deletion of an object of the spec's namespace. It may stay for a while: wait with
    /// [`be_gone`](crate::matchers::be_gone).
    pub async fn delete<K: Kind>(&self, name: &str) -> Result<(), RequestError> {
        let deleted = self.api::<K>().delete(name, &DeleteParams::background()).await;
        deleted.map(drop).map_err(|error| self.error::<K>("delete", name, error))
    }

    /// An object of the spec's namespace that need not be there, for [`eventually`](Self::eventually).
    pub fn object<K: Kind>(&self, name: &str) -> Object<K> {
        Object::new(self.api(), &K::kind(&()), name)
    }

    /// All objects of a kind in the spec's namespace, for [`eventually`](Self::eventually).
    pub fn all<K: Kind>(&self) -> Collection<K> {
        Collection::new(self.api(), &K::plural(&()))
    }
}

/// Expectations.
impl Cx {
    /// Waits, by watch, until an object or a collection is as it should be.
    ///
    /// The target is `&object`, `cx.object::<Kind>("name")` or `cx.all::<Kind>()`.
    #[track_caller]
    pub fn eventually<T: Observable>(&self, target: T) -> Eventually<T::Value> {
        Eventually::new(target.observe(self), Arc::clone(&self.board))
    }

    /// Something that no watch tells of, for [`eventually`](Self::eventually) and [`consistently`](Self::consistently): it
    /// is asked again and again.
    ///
    /// `cx.probe("the queue's length", async || metric("workqueue_depth").await)`
    pub fn probe<F, V>(&self, name: &str, ask: F) -> Probe<F>
    where
        F: AsyncFn() -> SpecResult<V> + 'static,
        V: Serialize + 'static,
    {
        Probe::new(name, ask)
    }

    /// The Events about an object, for matchers such as [`have_event`](crate::matchers::have_event).
    pub fn events_of<K: Kind>(&self, object: &K) -> Collection<Event> {
        let meta = object.meta();
        // Events about cluster-scoped objects are kept in namespace `default`.
        let cluster_scoped = self.api_of(object).namespace().is_none();
        let namespace = meta.namespace.as_deref().unwrap_or(&self.namespace);
        let namespace = if cluster_scoped { "default" } else { namespace };
        let mut about =
            format!("involvedObject.kind={},involvedObject.name={}", K::kind(&()), object.name_any());
        if let Some(uid) = &meta.uid {
            about = format!("{about},involvedObject.uid={uid}");
        }
        Collection::new(self.api_in(namespace), "events").fields(&about)
    }

    /// Watches an object or a collection for a while, in which it must be as it should be all the time.
    #[track_caller]
    pub fn consistently<T: Observable>(&self, target: T) -> Consistently<T::Value> {
        Consistently::new(target.observe(self), Arc::clone(&self.board))
    }

    /// Checks a value that the spec has in its hand.
    #[track_caller]
    pub fn expect<T: std::fmt::Debug>(&self, value: T) -> Expect<T> {
        Expect::new(value, Arc::clone(&self.board))
    }
}

/// What must not outlive the spec.
impl Cx {
    /// Asks for something to be undone at the end of the spec, however it ends, within a minute. The newest clean-up
    /// runs first; all of them run before the namespace is deleted and the spec's tasks are stopped.
    #[track_caller]
    pub fn defer<F>(&self, undo: F)
    where
        F: AsyncFnOnce(&mut Cx) -> SpecResult + 'static,
    {
        self.defer_within(CLEANUP_LIMIT, undo);
    }

    /// The same for what may take another time than a minute, in the cluster's time: a Pod to be started, a node to
    /// come back.
    #[track_caller]
    pub fn defer_within<F>(&self, limit: Duration, undo: F)
    where
        F: AsyncFnOnce(&mut Cx) -> SpecResult + 'static,
    {
        self.cleanups.push(Location::caller(), limit, undo);
    }

    /// Runs work beside the spec, on its thread, until the spec's end: `cx.spawn("operator", my_operator::run(client))`.
    ///
    /// The spec fails when the work fails or panics. Its output is `()` or any `Result<(), E>` with an error that can be
    /// displayed; an `async` block that ends with `Ok(())` has to name its error: `SpecResult::Ok(())`.
    #[track_caller]
    pub fn spawn<F>(&self, name: &str, work: F) -> Task
    where
        F: Future<Output: TaskOutput> + 'static,
    {
        let task = Task::spawn(name, work, Location::caller());
        self.tasks.borrow_mut().push(task.clone());
        task
    }

    /// Keeps a value for the hooks and the spec that come later: one of each type.
    pub fn keep<T: 'static>(&self, value: T) -> Rc<T> {
        self.kept.borrow_mut().insert(value)
    }

    /// The value of this type that was [kept](Self::keep) last.
    #[track_caller]
    pub fn kept<T: 'static>(&self) -> SpecResult<Rc<T>> {
        let nothing = || Failure::new(format!("nothing of type {} was kept in this spec", type_name::<T>()));
        self.kept.borrow().get().ok_or_else(nothing)
    }
}

/// Parameters of a patch that the spec itself makes.
fn by_the_spec() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

fn name_or_prefix<K: Kind>(object: &K) -> String {
    let meta = object.meta();
    meta.name.clone().or_else(|| meta.generate_name.clone().map(|prefix| prefix + "…")).unwrap_or_default()
}
