//! One spec's life: connect, hooks, body, hooks, clean-ups, namespace, tasks.
//!
//! A spec has a thread and a current-thread runtime of its own, paused where the tier's time is virtual.
//! However the body ends (well, with an error, by a panic, out of time), everything after it runs; each
//! step of the end has a limit, and its failure is told after the first one and never in its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::task::LocalSet;

use crate::expect::seconds;
use crate::failure::{Failure, SpecResult};
use crate::span::mins;
use crate::spec::plan::{Spec, seed_of};
use crate::spec::{Board, Cx, namespace, panics};
use crate::tier::{Connection, Definitions, Need, Tier};

/// How long one clean-up, one `after_each` or the end of one task may take.
const CLEANUP_LIMIT: Duration = mins(1);

/// What the specs of a run share.
pub(crate) struct Run {
    pub(crate) tier: Arc<dyn Tier>,
    pub(crate) definitions: Definitions,
    pub(crate) prefix: String,
    pub(crate) seed: u64,
    pub(crate) spec_limit: Duration,
    /// How long a spec's thread may be silent, in the machine's time, beyond twice the spec's own limit. A body that
    /// blocks its thread is never out of time by the runtime's clock.
    pub(crate) silence: Duration,
    pub(crate) live_steps: bool,
}

/// How a spec ended.
pub(crate) struct Ending {
    /// Nothing here: the spec passed. The first one is why it failed.
    pub(crate) failures: Vec<Failure>,
    /// What it said it did, with the cluster's time since the spec's start.
    pub(crate) steps: Vec<(Duration, String)>,
    /// The machine's time from the spec's start to the end of its clean-up.
    pub(crate) took: Duration,
}

impl Ending {
    fn failed_early(failure: Failure) -> Self {
        Self { failures: vec![failure], steps: Vec::new(), took: Duration::ZERO }
    }

    /// What a person reads about a spec that failed.
    pub(crate) fn story(&self) -> String {
        let mut story: Vec<String> = self.failures.iter().map(ToString::to_string).collect();
        if !self.steps.is_empty() {
            let steps: Vec<_> =
                self.steps.iter().map(|(at, text)| format!("\n  {}  {text}", seconds(*at))).collect();
            story.push(format!("steps:{}", steps.concat()));
        }
        story.join("\n\n")
    }
}

/// Runs a spec on a thread of its own and waits for it.
pub(crate) fn run_spec(spec: &Spec, run: &Arc<Run>) -> Ending {
    if let Err(error) = run.tier.prepare() {
        return Ending::failed_early(Failure::nowhere(crate::failure::sentence(&error)));
    }
    let started = Instant::now();
    let limit = spec.time_out.unwrap_or(run.spec_limit);
    let (send, receive) = sync_channel(1);
    let spawned = std::thread::Builder::new().name(spec.name.clone()).stack_size(8 << 20).spawn({
        let (spec, run) = (spec.clone(), Arc::clone(run));
        // The receiver is gone when the spec was given up: nobody is left who wants to know.
        move || drop(send.send(on_this_thread(&spec, &run, limit)))
    });
    let thread = match spawned {
        Ok(thread) => thread,
        Err(error) => {
            return Ending::failed_early(Failure::nowhere(format!("no thread for the spec: {error}")));
        }
    };
    let patience = limit * 2 + run.silence;
    let mut ending = match receive.recv_timeout(patience) {
        Ok(ending) => {
            drop(thread.join());
            ending
        }
        Err(RecvTimeoutError::Timeout) => Ending::failed_early(Failure::nowhere(format!(
            "the spec's thread is blocked: nothing came back for {}, and it was left behind; \
             a spec must not block or spin without an await",
            seconds(patience)
        ))),
        Err(RecvTimeoutError::Disconnected) => Ending::failed_early(thread_died(thread.join())),
    };
    ending.took = started.elapsed();
    ending
}

fn thread_died(joined: std::thread::Result<()>) -> Failure {
    match joined {
        Err(payload) => panics::failure(&*payload).during("outside of the spec's body"),
        Ok(()) => Failure::nowhere("the spec's thread ended without a result"),
    }
}

fn on_this_thread(spec: &Spec, run: &Run, limit: Duration) -> Ending {
    panics::remember_on_this_thread();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match builder.enable_all().start_paused(run.tier.virtual_time()).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Ending::failed_early(Failure::nowhere(format!("no runtime for the spec: {error}")));
        }
    };
    let ending = LocalSet::new().block_on(&runtime, live(spec, run, limit));
    runtime.shutdown_background();
    ending
}

async fn live(spec: &Spec, run: &Run, limit: Duration) -> Ending {
    let seed = seed_of(&spec.name, run.seed);
    let board = Board::new(run.live_steps);
    let mut failures = Vec::new();
    let set_up = guarded(limit, &board, async {
        let connection = run.tier.connect(seed).await?;
        run.definitions.install(&connection).await?;
        let Connection { client, clock, plane, kind, .. } = connection;
        let namespace = namespace::create(client.clone(), &run.prefix, &spec.name, seed).await?;
        Ok(Cx {
            spec: spec.name.as_str().into(),
            tier: run.tier.name(),
            client,
            clock,
            namespace,
            seed,
            board: Rc::clone(&board),
            cleanups: crate::spec::cleanup::Cleanups::default(),
            tasks: RefCell::default(),
            kind,
            plane,
            kept: RefCell::new(BTreeMap::new()),
        })
    });
    match set_up.await {
        Ok(mut cx) => {
            failures.extend(perform(spec, &mut cx, limit).await.err());
            failures.extend(nothing_asserted(&board, failures.is_empty()));
            finish(spec, &mut cx, run.tier.has(Need::Controllers), &mut failures).await;
        }
        Err(failure) => failures.push(failure.during("set-up")),
    }
    Ending { failures, steps: board.steps(), took: Duration::ZERO }
}

/// The hooks before the spec, and the spec.
async fn perform(spec: &Spec, cx: &mut Cx, limit: Duration) -> SpecResult {
    let board = Rc::clone(&cx.board);
    let performance = async {
        for hook in &spec.before {
            hook(cx).await.map_err(|failure| failure.during("before_each"))?;
        }
        (spec.body)(cx).await
    };
    guarded(limit, &board, performance).await
}

/// Everything that happens however the spec ended.
async fn finish(spec: &Spec, cx: &mut Cx, wait: bool, failures: &mut Vec<Failure>) {
    let board = Rc::clone(&cx.board);
    for hook in &spec.after {
        let result = guarded(CLEANUP_LIMIT, &board, hook(cx)).await;
        failures.extend(result.err().map(|failure| failure.during("after_each")));
    }
    while let Some(cleanup) = cx.cleanups.pop() {
        let place = cleanup.place;
        let result = guarded(CLEANUP_LIMIT, &board, (cleanup.undo)(cx)).await;
        let what = format!("clean-up deferred at {}:{}", place.file(), place.line());
        failures.extend(result.err().map(|failure| failure.during(&what)));
    }
    let limit = CLEANUP_LIMIT + namespace::GONE_WITHIN;
    let removed = guarded(limit, &board, namespace::remove(cx, wait)).await;
    failures.extend(removed.err().map(|failure| failure.during("clean-up")));
    let tasks = std::mem::take(&mut *cx.tasks.borrow_mut());
    for task in tasks.into_iter().rev() {
        failures.extend(guarded(CLEANUP_LIMIT, &board, task.stop()).await.err());
    }
    for place in board.unchecked() {
        failures
            .push(Failure::at("this expectation was never checked: it needs a matcher and an await", place));
    }
    cx.kept.borrow_mut().clear();
}

fn nothing_asserted(board: &Board, passed: bool) -> Option<Failure> {
    let idle = passed && !board.has_expectations() && board.unchecked().is_empty();
    idle.then(|| {
        Failure::nowhere(
            "a spec that asserted nothing: it must run at least one of cx.eventually, cx.consistently and cx.expect",
        )
    })
}

/// Runs a part of a spec's life: a panic and the end of its time are failures like any other.
async fn guarded<T>(
    limit: Duration,
    board: &Rc<Board>,
    part: impl Future<Output = SpecResult<T>>,
) -> SpecResult<T> {
    let mut part = pin!(AssertUnwindSafe(part).catch_unwind());
    match tokio::time::timeout(limit, part.as_mut()).await {
        Ok(Ok(result)) => result,
        Ok(Err(payload)) => Err(panics::failure(&*payload)),
        Err(_) => Err(out_of_time(limit, board)),
    }
}

fn out_of_time(limit: Duration, board: &Board) -> Failure {
    let mut text = format!("did not finish within {}", seconds(limit));
    if let Some((at, step)) = board.steps().last() {
        text = format!("{text}; its last step was {step:?}, at {}", seconds(*at));
    }
    for wait in board.waits_so_far() {
        text.push_str("\nit was waiting: ");
        text.push_str(&wait);
    }
    Failure::nowhere(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc;

    use super::*;
    use crate::spec::plan::plan;
    use crate::spec::tree::Suite;
    use crate::tier::Fake;

    fn run(limits: Duration) -> Arc<Run> {
        Arc::new(Run {
            tier: Arc::new(Fake),
            definitions: Definitions::new(Vec::new()),
            prefix: "seatrial".into(),
            seed: 0,
            spec_limit: limits,
            silence: limits,
            live_steps: false,
        })
    }

    #[test]
    fn a_spec_that_blocks_its_thread_is_given_up_and_told_as_such() {
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Mutex::new(blocked);
        let mut suite = Suite::new();
        suite.describe("Machine", |s| {
            s.it("blocks", async move |_: &mut Cx| {
                // Nothing in the runtime can end this: the sender goes when the test ends.
                drop(blocked.lock().map(|blocked| blocked.recv()));
                Ok(())
            });
        });
        let specs = plan(&suite).unwrap();
        let ending = run_spec(&specs[0], &run(Duration::from_millis(50)));
        let story = ending.story();
        assert!(story.starts_with("the spec's thread is blocked: nothing came back for 0.150s"), "{story}");
        drop(release);
    }

    #[test]
    fn a_spec_has_the_limit_that_stands_closest_to_it() {
        let mut suite = Suite::new();
        suite.describe("Machine", |s| {
            s.time_out(Duration::from_secs(3));
            s.it("waits", async |_: &mut Cx| std::future::pending().await);
        });
        let ending = run_spec(&plan(&suite).unwrap()[0], &run(Duration::from_secs(90)));
        assert_eq!(ending.story(), "did not finish within 3s");
    }
}
