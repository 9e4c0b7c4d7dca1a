//! One attempt at one spec: hooks, body, evidence, clean-ups and tasks.
//!
//! However the body ends (well, with an error, by a panic, out of time), everything after it runs; each
//! step of the end has a limit, and its failure is told after the first one and never in its place. What the
//! context stands on, and whether other specs stand on it, is the stage's business.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::{Either, select};
use jiff::Timestamp;

use crate::attempt_log::AttemptLog;
use crate::context::CLEANUP_LIMIT;
use crate::context::{Cx, panics};
use crate::display::{readable, seconds};
use crate::failure::{Failure, SpecResult};
use crate::interrupt::Interrupt;
use crate::report::{Artefact, Attempt, FailureReport, Moment, MomentKind};
use crate::spec::namespace;
use crate::spec::plan::Spec;
use crate::spec::tree::Body;

/// Outcome of an attempt at a spec.
#[derive(Clone)]
pub(crate) struct AttemptOutcome {
    /// Nothing here: the spec passed. The first one is why it failed.
    pub(crate) failures: Vec<Failure>,
    /// Reason for not starting it, if it was not started.
    pub(crate) left_out: Option<String>,
    /// Steps of the spec, with the cluster's time since its start.
    pub(crate) steps: Vec<(Duration, String)>,
    /// When it began, by the machine's clock, as a time of day and as one to measure from.
    pub(crate) started: (Timestamp, Instant),
    /// When it began, by the cluster's clock.
    pub(crate) cluster_started: Option<Timestamp>,
    /// The machine's time from the spec's start to the end of its clean-up.
    pub(crate) took: Duration,
    pub(crate) timeline: Vec<Moment>,
    pub(crate) artefacts: Vec<Artefact>,
    pub(crate) uncollected: Vec<String>,
}

impl AttemptOutcome {
    pub(crate) fn new() -> Self {
        Self {
            failures: Vec::new(),
            left_out: None,
            steps: Vec::new(),
            started: (Timestamp::now(), Instant::now()),
            cluster_started: None,
            took: Duration::ZERO,
            timeline: Vec::new(),
            artefacts: Vec::new(),
            uncollected: Vec::new(),
        }
    }

    pub(crate) fn failed_early(failure: Failure) -> Self {
        Self { failures: vec![failure], ..Self::new() }
    }

    pub(crate) fn left_out(reason: impl Into<String>) -> Self {
        Self { left_out: Some(reason.into()), ..Self::new() }
    }

    pub(crate) fn failed(&self) -> bool {
        !self.failures.is_empty()
    }

    /// True if the run's end is why it did not pass. What cannot be undone afterwards is told besides.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.failures.first().is_some_and(Failure::is_interruption)
    }

    /// Takes over the log's content; nothing is logged afterwards.
    pub(crate) fn closed(mut self, attempt_log: &AttemptLog) -> Self {
        for place in attempt_log.take_unchecked() {
            let text = "this expectation was never checked: it needs a matcher and an await";
            self.failures.push(Failure::at(text, place));
        }
        // Whatever is known of Secrets by now is hidden, also where it was told before it was known.
        let redactor = attempt_log.redactor();
        self.failures = self.failures.into_iter().map(|failure| failure.redacted(redactor)).collect();
        self.steps = redactor.redact_all(attempt_log.steps());
        self.timeline = redactor.redact_all(attempt_log.timeline().moments());
        self.uncollected = redactor.redact_all(self.uncollected);
        self.took = self.started.1.elapsed();
        self
    }

    /// The failure message for people: failures and steps.
    pub(crate) fn story(&self) -> String {
        let mut story: Vec<String> = self.failures.iter().map(ToString::to_string).collect();
        if !self.steps.is_empty() {
            let steps: Vec<_> =
                self.steps.iter().map(|(at, text)| format!("\n  {}  {text}", seconds(*at))).collect();
            story.push(format!("steps:{}", steps.concat()));
        }
        readable(&story.join("\n\n"))
    }

    /// The same for reports.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt {
            started: Some(self.started.0),
            cluster_started: self.cluster_started,
            seconds: self.took.as_secs_f64(),
            failures: self.failures.iter().map(Failure::report).collect(),
            timeline: self.timeline.clone(),
            artefacts: self.artefacts.clone(),
            uncollected: self.uncollected.clone(),
        }
    }
}

/// The hooks before the spec, and the spec.
pub(crate) async fn run_body(spec: &Spec, cx: &mut Cx, limit: Duration, interrupt: &Interrupt) -> SpecResult {
    let attempt_log = Arc::clone(&cx.attempt_log);
    let performance = async {
        for hook in &spec.before {
            run_hook("before_each", hook, cx).await?;
        }
        attempt_log.set_phase("the spec's body");
        match &spec.body {
            Some(body) => body(cx).await,
            None => Err(Failure::nowhere("the spec has no body")),
        }
    };
    interruptible(interrupt, &attempt_log, with_limit(limit, &attempt_log, performance)).await?;
    nothing_asserted(&attempt_log)
}

/// Runs a hook, and records it on the timeline with its duration.
pub(crate) async fn run_hook(what: &str, hook: &Body, cx: &mut Cx) -> SpecResult {
    let ongoing = cx.attempt_log.start_phase(MomentKind::Hook, what);
    match hook(cx).await {
        Ok(()) => {
            ongoing.finish();
            Ok(())
        }
        Err(failure) => {
            ongoing.fail(failure.message());
            Err(failure.during(what))
        }
    }
}

/// Everything that happens however the spec ended.
pub(crate) async fn run_after(after: &[Body], what: &str, cx: &mut Cx, failures: &mut Vec<Failure>) {
    let attempt_log = Arc::clone(&cx.attempt_log);
    for hook in after {
        failures.extend(with_limit(CLEANUP_LIMIT, &attempt_log, run_hook(what, hook, cx)).await.err());
    }
    while let Some(cleanup) = cx.cleanups.pop() {
        let what = format!("clean-up deferred at {}:{}", cleanup.place.file(), cleanup.place.line());
        let ongoing = attempt_log.start_phase(MomentKind::CleanUp, &what);
        match with_limit(cleanup.limit, &attempt_log, (cleanup.undo)(cx)).await {
            Ok(()) => ongoing.finish(),
            Err(failure) => {
                ongoing.fail(failure.message());
                failures.push(failure.during(&what));
            }
        }
    }
}

/// The end of the namespace, and of the tasks, which may be needed for it.
pub(crate) async fn tear_down(cx: &mut Cx, namespace: Option<NamespaceEnd>, failures: &mut Vec<Failure>) {
    let attempt_log = Arc::clone(&cx.attempt_log);
    if let Some(NamespaceEnd { wait }) = namespace {
        let ongoing = attempt_log.start_phase(MomentKind::CleanUp, "deleting the namespace");
        let limit = CLEANUP_LIMIT + namespace::GONE_WITHIN;
        match with_limit(limit, &attempt_log, namespace::remove(cx, wait)).await {
            Ok(()) => ongoing.finish(),
            Err(failure) => {
                ongoing.fail(failure.message());
                failures.push(failure.during("clean-up"));
            }
        }
    }
    attempt_log.set_phase("stopping its tasks");
    let tasks = std::mem::take(&mut *cx.tasks.borrow_mut());
    for task in tasks.into_iter().rev() {
        failures.extend(with_limit(CLEANUP_LIMIT, &attempt_log, task.stop()).await.err());
    }
    cx.kept.borrow_mut().clear();
}

/// Deletion of a namespace; where a controller empties it, its end is waited for.
#[derive(Clone, Copy)]
pub(crate) struct NamespaceEnd {
    pub(crate) wait: bool,
}

fn nothing_asserted(attempt_log: &AttemptLog) -> SpecResult {
    if attempt_log.has_expectations() || attempt_log.has_unchecked() {
        return Ok(());
    }
    Err(Failure::nowhere(
        "a spec that asserted nothing: it must run at least one of cx.eventually, cx.consistently and cx.expect",
    ))
}

/// Runs a part of a spec's life: a panic and the end of its time are failures like any other.
pub(crate) async fn with_limit<T>(
    limit: Duration,
    attempt_log: &Arc<AttemptLog>,
    part: impl Future<Output = SpecResult<T>>,
) -> SpecResult<T> {
    let mut part = pin!(AssertUnwindSafe(part).catch_unwind());
    match tokio::time::timeout(limit, part.as_mut()).await {
        Ok(Ok(result)) => result,
        Ok(Err(payload)) => Err(panics::failure(&*payload)),
        Err(_) => Err(out_of_time(limit, attempt_log)),
    }
}

/// The same for a part that an interruption of the run cancels: it is dropped where it stands, and what is to be
/// undone is undone after it.
pub(crate) async fn interruptible<T>(
    interrupt: &Interrupt,
    attempt_log: &AttemptLog,
    part: impl Future<Output = SpecResult<T>>,
) -> SpecResult<T> {
    let (part, call) = (pin!(part), pin!(interrupt.wait()));
    match select(part, call).await {
        Either::Left((result, _)) => result,
        // Told while the part is there: what it was waiting for is known as long as it waits.
        Either::Right((called, _part)) => {
            Err(unfinished(format!("interrupted: the run was ended by {}", called.by), attempt_log)
                .into_interruption())
        }
    }
}

fn out_of_time(limit: Duration, attempt_log: &AttemptLog) -> Failure {
    unfinished(format!("did not finish within {}", seconds(limit)), attempt_log)
}

/// A part that did not come to its end, with what it was doing.
fn unfinished(mut text: String, attempt_log: &AttemptLog) -> Failure {
    if let Some((at, step)) = attempt_log.steps().last() {
        text = format!("{text}; its last step was {step:?}, at {}", seconds(*at));
    }
    let waits = attempt_log.describe_waits().into_iter().map(|wait| format!("\nit was waiting: {wait}"));
    let report = FailureReport { message: text.clone(), ..FailureReport::default() };
    Failure::with_description(report, waits.fold(text, |text, wait| text + &wait))
}
