//! The context of a spec: a client, a namespace, and clean-ups.
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
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use seatrial_fakeclient::Clock;
use serde_json::Value;

use crate::artefacts::{Collector, EvidenceSources};
use crate::attempt_log::AttemptLog;
use crate::context::CLEANUP_LIMIT;
use crate::context::cleanup::Cleanups;
use crate::context::{Kind, RequestError, Task, TaskOutput};
use crate::display::object_label;
use crate::failure::{Failure, SpecResult};
use crate::managed_fields::FIELD_MANAGER;
use crate::type_map::TypeMap;

/// One spec's way to its cluster.
pub(crate) struct Connection {
    /// Made on the spec's runtime.
    pub(crate) client: Client,
    /// The cluster's time.
    pub(crate) clock: Clock,
    /// True if other specs use the same cluster: then suite-wide objects are installed once.
    pub(crate) shared: bool,
    /// Sources of evidence.
    pub(crate) sources: EvidenceSources,
    /// Values of this tier alone, for extensions of a spec's context: a cluster of kind's, an audit log.
    pub(crate) extensions: TypeMap,
}

/// A spec's context.
pub struct Cx {
    pub(crate) spec: Rc<str>,
    pub(crate) tier: &'static str,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) namespace: String,
    pub(crate) seed: u64,
    pub(crate) attempt_log: Arc<AttemptLog>,
    pub(crate) cleanups: Cleanups,
    pub(crate) tasks: RefCell<Vec<Task>>,
    /// Values of the spec's tier alone.
    pub(crate) extensions: TypeMap,
    pub(crate) kept: RefCell<TypeMap>,
    /// Other namespaces that a failure may have to do with.
    pub(crate) collect_from: RefCell<Vec<String>>,
    /// Collectors that the spec itself added.
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
        attempt_log: &Arc<AttemptLog>,
    ) -> Self {
        let Connection { client, clock, extensions, .. } = connection;
        Self {
            spec: spec.into(),
            tier,
            client,
            clock,
            namespace,
            seed,
            attempt_log: Arc::clone(attempt_log),
            cleanups: Cleanups::default(),
            tasks: RefCell::default(),
            extensions,
            kept: RefCell::default(),
            collect_from: RefCell::default(),
            collectors: RefCell::default(),
        }
    }

    /// A context within this one: the same cluster and namespace, what was kept until now, clean-ups and tasks of
    /// its own.
    pub(crate) fn within(&self, spec: &str, seed: u64, attempt_log: &Arc<AttemptLog>) -> Self {
        Self {
            spec: spec.into(),
            tier: self.tier,
            client: self.client.clone(),
            clock: self.clock.clone(),
            namespace: self.namespace.clone(),
            seed,
            attempt_log: Arc::clone(attempt_log),
            cleanups: Cleanups::default(),
            tasks: RefCell::default(),
            extensions: self.extensions.clone(),
            kept: RefCell::new(self.kept.borrow().clone()),
            collect_from: RefCell::new(self.collect_from.borrow().clone()),
            collectors: RefCell::new(self.collectors.borrow().clone()),
        }
    }
}

/// Properties of the spec.
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

    /// The cluster's time: virtual on tier `fake`, where it stands still while any task can run.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Says that the spec has to do with another namespace, too, such as the one its operator runs in: what explains a
    /// failure is collected from there as well.
    pub fn collect_from(&self, namespace: &str) {
        self.collect_from.borrow_mut().push(namespace.to_owned());
    }

    /// Says what the spec does next. Printed with a failure, and at once under `--nocapture`.
    pub fn step(&self, text: impl Into<String>) {
        self.attempt_log.step(&text.into());
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

    /// A step that lasts until it is finished.
    #[cfg(feature = "kind")]
    pub(crate) fn fault(&self, text: &str) -> crate::report::OngoingMoment {
        self.attempt_log.start_step(crate::report::MomentKind::Fault, text)
    }
}

/// Requests.
impl Cx {
    /// A kind's objects in the spec's namespace, or in the cluster for a cluster-scoped kind.
    pub fn api<K: Kind>(&self) -> Api<K> {
        self.api_in(&self.namespace)
    }

    pub(crate) fn api_in<K: Kind>(&self, namespace: &str) -> Api<K> {
        <K::Scope as crate::context::ScopedApi<K>>::api(self.client.clone(), namespace)
    }

    pub(crate) fn api_of<K: Kind>(&self, object: &K) -> Api<K> {
        self.api_in(object.meta().namespace.as_deref().unwrap_or(&self.namespace))
    }

    fn error<K: Kind>(&self, verb: &'static str, name: &str, source: kube::Error) -> RequestError {
        let namespace = self.api::<K>().namespace().map(str::to_owned);
        RequestError::new(verb, object_label(&K::kind(&()), namespace.as_deref(), name), source)
    }

    /// Adds a Secret to the redactor.
    fn keeps_secret<K: Kind>(&self, object: &K) {
        if K::kind(&()) == "Secret"
            && let Ok(json) = serde_json::to_value(object)
        {
            self.attempt_log.redactor().add_secret(&json);
        }
    }

    /// Creates an object, in the spec's namespace unless it names another one. Its field manager is `seatrial`, as that
    /// of the spec's other writes.
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
            self.attempt_log.redactor().add_secret(&patch);
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
}

/// Clean-ups, tasks and kept values.
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

    /// Runs work beside the spec, on its thread, until the spec's end:
    /// `cx.spawn("operator", my_operator::run(cx.client()))`.
    ///
    /// The spec fails when the work fails or panics. Its output is `()` or any `Result<(), E>` with an error that
    /// can be displayed; an `async` block that ends with `Ok(())` has to name its error: `SpecResult::Ok(())`.
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
