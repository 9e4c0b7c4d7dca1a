//! The tree of a suite: groups within groups, with hooks, labels and needs.
//!
//! This file only collects. What applies to a spec, and whether two specs have one name, is the plan's
//! business; nothing here knows a cluster.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::context::Cx;
use crate::failure::SpecResult;
use crate::spec::marks::{Marks, marking};
use crate::spec::table::Row;

/// A hook's or spec's body with its type erased. The future is not `Send`: it lives on one thread.
pub(crate) type Body = Arc<dyn for<'cx> Fn(&'cx mut Cx) -> LocalBoxFuture<'cx, SpecResult> + Send + Sync>;

/// Everything one test target holds: groups of specs, and what their cluster needs beforehand.
pub struct Suite {
    pub(crate) root: Scope,
    pub(crate) definitions: Vec<Value>,
    pub(crate) prefix: String,
    pub(crate) one_status_writer: bool,
}

/// A group of specs, as `describe`, `context` and `when` make it. What is said of a group holds for all specs
/// in it, whether they stand above or below the line that says it.
#[derive(Default)]
pub struct Scope {
    pub(crate) name: String,
    pub(crate) marks: Marks,
    pub(crate) ordered: bool,
    pub(crate) table: bool,
    pub(crate) before: Vec<Body>,
    pub(crate) after: Vec<Body>,
    pub(crate) before_all: Vec<Body>,
    pub(crate) after_all: Vec<Body>,
    pub(crate) entries: Vec<ScopeEntry>,
}

pub(crate) enum ScopeEntry {
    Group(Scope),
    Spec(SpecDefinition),
}

/// One spec as it was written; without a body it is a promise.
pub(crate) struct SpecDefinition {
    pub(crate) name: String,
    pub(crate) marks: Marks,
    pub(crate) body: Option<Body>,
}

/// Marks a spec or a table that was just added: `s.it("…", …).label("slow").needs(Need::Kubelet)`.
pub struct SpecHandle<'a> {
    marks: &'a mut Marks,
}

marking!(Scope);
marking!(SpecHandle<'_>);

impl Suite {
    pub(crate) fn new() -> Self {
        Self {
            root: Scope::default(),
            definitions: Vec::new(),
            prefix: "seatrial".into(),
            one_status_writer: false,
        }
    }

    /// Adds a group of specs. Its name is the first part of their names.
    pub fn describe(&mut self, name: &str, build: impl FnOnce(&mut Scope)) -> &mut Self {
        self.root.context(name, build);
        self
    }

    /// `CustomResourceDefinition`s that are there, and established, before a cluster's first spec starts.
    ///
    /// On a cluster that outlives the run (tier `existing`) a definition that is there already is brought
    /// to this state, and none is removed at the end: other people's objects would go with it.
    pub fn crds<D: Serialize>(&mut self, definitions: impl IntoIterator<Item = D>) -> &mut Self {
        self.definitions.extend(definitions.into_iter().map(|definition| {
            serde_json::to_value(definition).expect("a CustomResourceDefinition can be written as JSON")
        }));
        self
    }

    /// Sets the prefix of the specs' namespaces, instead of `seatrial`.
    pub fn namespace_prefix(&mut self, prefix: &str) -> &mut Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Fails a spec in which two field managers have written the status of objects of one kind, as two controllers
    /// do that work against each other. The failure names the kind, the objects, the managers and their fields.
    ///
    /// This is checked after each spec's body, by the managed fields of the objects that are in the spec's namespace
    /// then.
    /// Controllers are told apart by the field manager that they write with: those that name none are all `unknown`.
    /// Kubernetes' own programs count as one manager, and the specs' own (`seatrial`, with which [`Cx::apply`] writes)
    /// as none.
    pub fn one_status_writer_per_kind(&mut self) -> &mut Self {
        self.one_status_writer = true;
        self
    }
}

/// Groups and specs.
impl Scope {
    /// Adds a group within this group.
    pub fn context(&mut self, name: &str, build: impl FnOnce(&mut Self)) -> &mut Self {
        let mut scope = Self { name: name.to_owned(), ..Self::default() };
        build(&mut scope);
        self.entries.push(ScopeEntry::Group(scope));
        self
    }

    /// Adds a group for a circumstance; its name begins with "when".
    pub fn when(&mut self, circumstance: &str, build: impl FnOnce(&mut Self)) -> &mut Self {
        // An empty name stays one, for the plan to refuse.
        let space = if circumstance.is_empty() { "" } else { "when " };
        self.context(&format!("{space}{circumstance}"), build)
    }

    /// Adds a spec.
    pub fn it<F>(&mut self, name: &str, body: F) -> SpecHandle<'_>
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        let leaf = SpecDefinition { name: name.to_owned(), marks: Marks::default(), body: Some(erase(body)) };
        self.entries.push(ScopeEntry::Spec(leaf));
        self.newest()
    }

    /// Adds a spec without a body: it is reported as skipped, with the reason.
    pub fn not_yet(&mut self, name: &str, reason: &str) -> SpecHandle<'_> {
        let marks = Marks { pending: Some(reason.to_owned()), ..Marks::default() };
        self.entries.push(ScopeEntry::Spec(SpecDefinition { name: name.to_owned(), marks, body: None }));
        self.newest()
    }

    /// Adds a group with a spec for each row, all of them with one body. A row is a pair of its spec's name and its
    /// value, or a [`Row`]:
    ///
    /// ```no_run
    /// # use seatrial_e2e::{Cx, Scope, matchers::equal};
    /// # fn specs(s: &mut Scope) {
    /// s.table("has a size", [("small", 1), ("large", 100)], async |cx: &mut Cx, size: &i32| {
    ///     cx.expect(*size > 0).to(equal(true))
    /// });
    /// # }
    /// ```
    pub fn table<T, R, F>(&mut self, name: &str, rows: impl IntoIterator<Item = R>, body: F) -> SpecHandle<'_>
    where
        T: Send + Sync + 'static,
        R: Into<Row<T>>,
        F: AsyncFn(&mut Cx, &T) -> SpecResult + Send + Sync + 'static,
    {
        let mut group = Self { name: name.to_owned(), table: true, ..Self::default() };
        let body = Arc::new(body);
        for row in rows {
            let Row { name, value, marks } = row.into();
            let (body, value) = (Arc::clone(&body), Arc::new(value));
            let body: Body = Arc::new(move |cx: &mut Cx| {
                let (body, value) = (Arc::clone(&body), Arc::clone(&value));
                async move { body(cx, &value).await }.boxed_local()
            });
            group.entries.push(ScopeEntry::Spec(SpecDefinition { name, marks, body: Some(body) }));
        }
        self.entries.push(ScopeEntry::Group(group));
        self.newest()
    }

    fn newest(&mut self) -> SpecHandle<'_> {
        let marks = match self.entries.last_mut() {
            Some(ScopeEntry::Spec(leaf)) => &mut leaf.marks,
            Some(ScopeEntry::Group(group)) => &mut group.marks,
            None => unreachable!("an entry was pushed in the statement above"),
        };
        SpecHandle { marks }
    }

    /// This group's specs, and those of the groups within it, are one story: they run in the order in which they are
    /// written, in one namespace, and after a failure the rest is left out. To the harness they are one test with the
    /// group's name, which has the labels and the needs of all of them; reports have each.
    pub fn ordered(&mut self) -> &mut Self {
        self.ordered = true;
        self
    }
}

/// Hooks.
impl Scope {
    /// Runs before each spec of this group: outer groups' hooks first, within a group in the order in
    /// which they are written. When one fails, the later ones and the spec are left out.
    pub fn before_each<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        self.before.push(erase(hook));
        self
    }

    /// Runs after each spec of this group, however it ended: inner groups' hooks first. All of them run,
    /// also when one fails.
    pub fn after_each<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        self.after.push(erase(hook));
        self
    }

    /// Runs once, before the first spec of this group that runs, and makes the group's specs share a cluster, a
    /// namespace and a clock: what the hook creates, spawns and [keeps](Cx::keep), they find; what it
    /// [defers](Cx::defer) is undone after the last of them. They run one after the other, beside other groups. When
    /// the hook fails, they fail.
    pub fn before_all<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        self.before_all.push(erase(hook));
        self
    }

    /// Runs once, after the last spec of this group that runs, however it ended; its failure belongs to that spec.
    /// As with [`before_all`](Self::before_all), the group's specs share a cluster, a namespace and a clock.
    pub fn after_all<F>(&mut self, hook: F) -> &mut Self
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        self.after_all.push(erase(hook));
        self
    }
}

/// `dyn AsyncFn` does not exist, and the future of an `AsyncFn` borrows from the function: each call
/// holds the function itself.
fn erase<F>(body: F) -> Body
where
    F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
{
    let body = Arc::new(body);
    Arc::new(move |cx: &mut Cx| {
        let body = Arc::clone(&body);
        async move { body(cx).await }.boxed_local()
    })
}
