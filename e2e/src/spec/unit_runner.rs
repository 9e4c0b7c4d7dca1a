//! Runner of a unit's specs: connections and namespaces, of a spec's own or shared by groups.
//!
//! Specs of one unit come here one after the other. Before each the groups that it is in are entered (`before_all`),
//! and those that it is not in are left (`after_all`, clean-ups, and with the outermost the namespace). A failure on
//! leaving belongs to the spec that ran last.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use kube::Client;
use tracing::subscriber::DefaultGuard;

use crate::artefacts::{EvidenceSources, NamespaceFeed, capture};
use crate::attempt_log::AttemptLog;
use crate::context::CLEANUP_LIMIT;
use crate::context::Cx;
use crate::failure::{Failure, SpecResult};
use crate::need::Need;
use crate::spec::attempt::{
    AttemptOutcome, NamespaceEnd, interruptible, run_after, run_body, run_hook, tear_down, with_limit,
};
use crate::spec::order::{seed_of, seed_of_attempt};
use crate::spec::plan::{SharedGroup, Spec};
use crate::spec::run::Run;
use crate::spec::{evidence, namespace, status_writers};

/// The groups that are entered, and the last spec's ending, which is not told before it is known whether a group
/// ends with it.
pub(crate) struct UnitRunner<'a> {
    run: &'a Run,
    attempt: u32,
    open: Vec<EnteredGroup>,
    sources: EvidenceSources,
    last: Option<FinishedSpec>,
}

/// The spec that ran last, with its feed and log capture, which last until it is reported.
struct FinishedSpec {
    index: usize,
    ending: AttemptOutcome,
    attempt_log: Arc<AttemptLog>,
    feed: Option<NamespaceFeed>,
    _log: Option<DefaultGuard>,
}

/// A group that was entered.
struct EnteredGroup {
    shared: Arc<SharedGroup>,
    cx: Option<Cx>,
    failure: Option<Failure>,
}

impl<'a> UnitRunner<'a> {
    pub(crate) fn new(run: &'a Run, attempt: u32) -> Self {
        // Where the tier cannot be connected to, its own collectors are all there is.
        let sources = EvidenceSources { observer: None, collectors: run.tier.collectors() };
        Self { run, attempt, open: Vec::new(), sources, last: None }
    }

    /// The spec that ran last, if it has failed until now.
    pub(crate) fn last_failed(&self) -> Option<usize> {
        self.last.as_ref().filter(|last| last.ending.failed()).map(|last| last.index)
    }

    /// Leaves what the next spec, if there is one, is not in; gives the ending that is final now.
    pub(crate) async fn leave_groups(&mut self, next: Option<&Spec>) -> Option<(usize, AttemptOutcome)> {
        let stays = next.map_or(0, |next| {
            let both = self.open.iter().zip(&next.shared);
            both.take_while(|(open, shared)| Arc::ptr_eq(&open.shared, shared)).count()
        });
        let FinishedSpec { index, mut ending, attempt_log, feed, _log } = self.last.take()?;
        while self.open.len() > stays {
            let open = self.open.pop().expect("more are open than stay");
            self.leave(open, &attempt_log, &mut ending.failures).await;
        }
        if let Some(feed) = feed {
            feed.stop().await;
        }
        Some((index, ending.closed(&attempt_log)))
    }

    async fn leave(&self, open: EnteredGroup, attempt_log: &Arc<AttemptLog>, failures: &mut Vec<Failure>) {
        let Some(mut cx) = open.cx else { return };
        cx.attempt_log = Arc::clone(attempt_log);
        let what = format!("after_all of {:?}", open.shared.name);
        run_after(&open.shared.after_all, &what, &mut cx, failures).await;
        let namespace = self.open.is_empty().then(|| self.namespace_end());
        tear_down(&mut cx, namespace, failures).await;
    }

    fn namespace_end(&self) -> NamespaceEnd {
        NamespaceEnd { wait: self.run.tier.has(Need::Controllers) }
    }

    /// Runs a spec. Its ending comes with the next [`leave_for`](Self::leave_for).
    pub(crate) async fn run_spec(&mut self, index: usize, spec: &Spec, attempt_log: &Arc<AttemptLog>) {
        let mut ending = AttemptOutcome::new();
        let mut feed = None;
        self.sources.collectors.iter().for_each(|collector| collector.attempt_started());
        // What happens besides is worth following where somebody will read of it.
        let reported = self.run.report.is_some();
        let log = reported.then(|| capture(attempt_log.timeline()));
        let limit = spec.time_out.unwrap_or(self.run.spec_limit);
        match self.context_for(spec, attempt_log, limit).await {
            Ok(mut cx) => {
                ending.cluster_started = Some(cx.now());
                feed = reported.then(|| self.feed(&cx));
                ending.failures.extend(run_body(spec, &mut cx, limit, &self.run.interrupt).await.err());
                ending.failures.extend(self.check_status_writers(&cx, &ending).await.err());
                self.collect(spec, Some(&cx), attempt_log, &mut ending).await;
                run_after(&spec.after, "after_each", &mut cx, &mut ending.failures).await;
                let namespace = spec.shared.is_empty().then(|| self.namespace_end());
                tear_down(&mut cx, namespace, &mut ending.failures).await;
            }
            Err(failure) => {
                ending.failures.push(failure);
                let cx = self.open.iter().rev().find_map(|open| open.cx.as_ref());
                self.collect(spec, cx, attempt_log, &mut ending).await;
            }
        }
        self.last =
            Some(FinishedSpec { index, ending, attempt_log: Arc::clone(attempt_log), feed, _log: log });
    }

    /// Looks at what the spec has left, if its suite asks for that. An interrupted spec is no longer looked at.
    async fn check_status_writers(&self, cx: &Cx, ending: &AttemptOutcome) -> SpecResult {
        if !self.run.one_status_writer || ending.was_interrupted() {
            return Ok(());
        }
        cx.attempt_log.set_phase("the check of status writers");
        let client = self.observer(cx);
        with_limit(CLEANUP_LIMIT, &cx.attempt_log, status_writers::check(&client, cx.namespace())).await
    }

    /// A client whose requests are not the spec's.
    fn observer(&self, cx: &Cx) -> Client {
        self.sources.observer.clone().unwrap_or_else(|| cx.client())
    }

    fn feed(&self, cx: &Cx) -> NamespaceFeed {
        let client = self.observer(cx);
        let (timeline, redactor) =
            (Arc::clone(cx.attempt_log.timeline()), Arc::clone(cx.attempt_log.redactor()));
        NamespaceFeed::start(client, cx.namespace(), cx.now(), timeline, redactor)
    }

    async fn collect(
        &self,
        spec: &Spec,
        cx: Option<&Cx>,
        attempt_log: &AttemptLog,
        ending: &mut AttemptOutcome,
    ) {
        for failure in &ending.failures {
            attempt_log.record_failure(failure.message(), &failure.to_string());
        }
        if ending.failed() {
            (ending.artefacts, ending.uncollected) =
                evidence::collect(self.run, spec, self.attempt, cx, &self.sources, attempt_log).await;
        }
    }

    /// The context that a spec runs with: its own, or one within the innermost of its groups.
    async fn context_for(
        &mut self,
        spec: &Spec,
        attempt_log: &Arc<AttemptLog>,
        limit: Duration,
    ) -> SpecResult<Cx> {
        if spec.shared.is_empty() {
            return self.connect(&spec.name, attempt_log, limit).await;
        }
        while self.open.len() < spec.shared.len() && self.open.iter().all(|open| open.failure.is_none()) {
            let shared = Arc::clone(&spec.shared[self.open.len()]);
            let open = self.enter(shared, attempt_log, limit).await;
            self.open.push(open);
        }
        // What was expected before the spec began is no expectation of its own.
        attempt_log.reset_expectations();
        let innermost = self.open.last().expect("a group was entered");
        match (&innermost.failure, &innermost.cx) {
            (None, Some(cx)) => Ok(cx.within(&spec.name, self.seed(&spec.name), attempt_log)),
            (Some(failure), _) => Err(failure.clone()),
            (None, None) => unreachable!("a group that could not be entered has a failure"),
        }
    }

    async fn enter(
        &mut self,
        shared: Arc<SharedGroup>,
        attempt_log: &Arc<AttemptLog>,
        limit: Duration,
    ) -> EnteredGroup {
        let cx = match self.open.last().and_then(|open| open.cx.as_ref()) {
            Some(outer) => Ok(outer.within(&shared.name, self.seed(&shared.name), attempt_log)),
            None => self.connect(&shared.name, attempt_log, limit).await,
        };
        match cx {
            Err(failure) => EnteredGroup { shared, cx: None, failure: Some(failure) },
            Ok(mut cx) => {
                let what = format!("before_all of {:?}", shared.name);
                let hooks = async {
                    for hook in &shared.before_all {
                        run_hook(&what, hook, &mut cx).await?;
                    }
                    Ok(())
                };
                let hooks = with_limit(limit, attempt_log, hooks);
                let failure = interruptible(&self.run.interrupt, attempt_log, hooks).await.err();
                EnteredGroup { shared, cx: Some(cx), failure }
            }
        }
    }

    /// A connection with the suite's definitions and a new namespace.
    async fn connect(
        &mut self,
        name: &str,
        attempt_log: &Arc<AttemptLog>,
        limit: Duration,
    ) -> SpecResult<Cx> {
        let (run, seed) = (self.run, self.seed(name));
        attempt_log.set_phase("set-up");
        let set_up = with_limit(limit, attempt_log, async {
            let mut connection = run.tier.connect(seed).await?;
            // Kept at once: it is of use also when the rest fails.
            self.sources = std::mem::take(&mut connection.sources);
            self.sources.observer.get_or_insert_with(|| connection.client.clone());
            self.sources.collectors.extend(run.tier.collectors());
            run.definitions.install(&connection).await?;
            let namespace = namespace::create(connection.client.clone(), &run.prefix, name, seed).await?;
            Ok(Cx::new(connection, run.tier.name(), namespace, name, seed, attempt_log))
        })
        .boxed_local();
        interruptible(&run.interrupt, attempt_log, set_up).await.map_err(|failure| failure.during("set-up"))
    }

    fn seed(&self, name: &str) -> u64 {
        seed_of_attempt(seed_of(name, self.run.seed), self.attempt)
    }
}
