//! How specs are written: a suite of groups within groups, with hooks, labels and needs.
//!
//! This file only collects. What applies to a spec, and whether two specs have one name, is the plan's
//! business; nothing here knows a cluster.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::Value;

use crate::failure::SpecResult;
use crate::spec::Cx;
use crate::tier::Need;

/// A hook's or spec's body with its type erased. The future is not `Send`: it lives on one thread.
pub(crate) type Body = Arc<dyn for<'cx> Fn(&'cx mut Cx) -> LocalBoxFuture<'cx, SpecResult> + Send + Sync>;

/// Everything one test target holds: groups of specs, and what their cluster needs beforehand.
pub struct Suite {
    pub(crate) root: Scope,
    pub(crate) definitions: Vec<Value>,
    pub(crate) prefix: String,
}

/// A group of specs, as `describe` and `context` make it. What is said of a group holds for all specs in
/// it, whether they stand above or below the line that says it.
#[derive(Default)]
pub struct Scope {
    pub(crate) name: String,
    pub(crate) marks: Marks,
    pub(crate) before: Vec<Body>,
    pub(crate) after: Vec<Body>,
    pub(crate) entries: Vec<Entry>,
}

/// What a group or a spec is marked with.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    pub(crate) labels: Vec<String>,
    pub(crate) needs: Vec<Need>,
    pub(crate) time_out: Option<Duration>,
}

pub(crate) enum Entry {
    Group(Scope),
    Spec(Leaf),
}

/// One spec as it was written.
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) marks: Marks,
    pub(crate) body: Body,
}

/// Marks a spec that was just added: `s.it("…", …).label("slow").needs(Need::Kubelet)`.
pub struct SpecHandle<'a> {
    marks: &'a mut Marks,
}

impl Suite {
    pub(crate) fn new() -> Self {
        Self { root: Scope::default(), definitions: Vec::new(), prefix: "seatrial".into() }
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

    /// What the names of the specs' namespaces begin with, instead of `seatrial`.
    pub fn namespace_prefix(&mut self, prefix: &str) -> &mut Self {
        prefix.clone_into(&mut self.prefix);
        self
    }
}

impl Scope {
    /// Adds a group within this group.
    pub fn context(&mut self, name: &str, build: impl FnOnce(&mut Self)) -> &mut Self {
        let mut scope = Self { name: name.to_owned(), ..Self::default() };
        build(&mut scope);
        self.entries.push(Entry::Group(scope));
        self
    }

    /// Adds a spec.
    pub fn it<F>(&mut self, name: &str, body: F) -> SpecHandle<'_>
    where
        F: AsyncFn(&mut Cx) -> SpecResult + Send + Sync + 'static,
    {
        self.entries.push(Entry::Spec(Leaf {
            name: name.to_owned(),
            marks: Marks::default(),
            body: erase(body),
        }));
        match self.entries.last_mut() {
            Some(Entry::Spec(leaf)) => SpecHandle { marks: &mut leaf.marks },
            _ => unreachable!("the spec was pushed in the statement above"),
        }
    }

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

    /// Labels the group's specs, for `SEATRIAL_LABELS`.
    pub fn label(&mut self, label: &str) -> &mut Self {
        self.marks.labels.push(label.to_owned());
        self
    }

    /// Says what the group's specs need; where the tier lacks it they are listed as ignored.
    pub fn needs(&mut self, need: Need) -> &mut Self {
        self.marks.needs.push(need);
        self
    }

    /// How long each spec of the group may take, hooks included, instead of `SEATRIAL_SPEC_TIMEOUT`.
    pub fn time_out(&mut self, limit: Duration) -> &mut Self {
        self.marks.time_out = Some(limit);
        self
    }
}

impl SpecHandle<'_> {
    /// Labels this spec, for `SEATRIAL_LABELS`.
    pub fn label(&mut self, label: &str) -> &mut Self {
        self.marks.labels.push(label.to_owned());
        self
    }

    /// Says what this spec needs; where the tier lacks it, it is listed as ignored.
    pub fn needs(&mut self, need: Need) -> &mut Self {
        self.marks.needs.push(need);
        self
    }

    /// How long this spec may take, hooks included, instead of `SEATRIAL_SPEC_TIMEOUT`.
    pub fn time_out(&mut self, limit: Duration) -> &mut Self {
        self.marks.time_out = Some(limit);
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
