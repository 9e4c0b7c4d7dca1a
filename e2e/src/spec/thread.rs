//! One attempt at a unit on a thread with a runtime, paused where the tier's time is virtual.
//!
//! The thread tells what begins and what ends; whoever waits for it gives up when it is silent for too long, for a
//! spec that blocks its thread can be ended by nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use crate::attempt_log::AttemptLog;
use crate::attempt_log::MomentListener;
use crate::context::panics;
use crate::display::seconds;
use crate::failure::Failure;
use crate::interrupt::{Interrupt, InterruptRequest, SPECS_LIMIT};
use crate::report::{AttemptStart, Reporter as _};
use crate::spec::attempt::AttemptOutcome;
use crate::spec::plan::Spec;
use crate::spec::run::Run;
use crate::spec::unit_runner::UnitRunner;

/// Between two looks at whether a thread that is silent should have ended by now.
const LOOK: Duration = Duration::from_secs(1);

/// Number of an attempt, and its worker.
#[derive(Clone, Copy)]
pub(crate) struct AttemptSlot {
    /// Counted from 1.
    pub(crate) attempt: u32,
    /// Counted from 0.
    pub(crate) worker: usize,
}

/// Message of the thread; specs are counted within their unit.
enum ThreadMessage {
    Begins(usize),
    Ends(usize, Box<AttemptOutcome>),
}

/// Runs a unit's specs and hands over the ending of each, once, when it is known.
pub(crate) fn attempt(
    specs: &Arc<[Spec]>,
    run: &Arc<Run>,
    turn: AttemptSlot,
    mut ended: impl FnMut(usize, AttemptOutcome),
) {
    let mut all_ended =
        |ending: AttemptOutcome| (0..specs.len()).for_each(|index| ended(index, ending.clone()));
    if let Some(reason) = run.halted() {
        return all_ended(AttemptOutcome::left_out(reason));
    }
    if let Err(error) = run.tier.prepare(&run.interrupt) {
        // What was given up on request has not failed.
        return all_ended(match run.interrupt.requested() {
            Some(_) => AttemptOutcome::left_out(crate::failure::sentence(&error)),
            None => AttemptOutcome::failed_early(Failure::nowhere(crate::failure::sentence(&error))),
        });
    }
    let (say, hear) = channel();
    let spawned = std::thread::Builder::new().name(specs[0].trial().to_owned()).stack_size(8 << 20).spawn({
        let (specs, run) = (Arc::clone(specs), Arc::clone(run));
        move || on_this_thread(&specs, &run, turn, &say)
    });
    match spawned {
        Ok(thread) => listen(specs, run, &hear, thread, ended),
        Err(error) => {
            let failure = Failure::nowhere(format!("no thread for the spec: {error}"));
            all_ended(AttemptOutcome::failed_early(failure));
        }
    }
}

fn listen(
    specs: &[Spec],
    run: &Run,
    hear: &Receiver<ThreadMessage>,
    thread: JoinHandle<()>,
    mut ended: impl FnMut(usize, AttemptOutcome),
) {
    let mut open: BTreeSet<usize> = (0..specs.len()).collect();
    let mut current = 0;
    while !open.is_empty() {
        let patience = specs[current].time_out.unwrap_or(run.spec_limit) * 2 + run.silence;
        let lost = match receive_within(hear, patience, &run.interrupt) {
            Ok(ThreadMessage::Begins(index)) => {
                current = index;
                continue;
            }
            Ok(ThreadMessage::Ends(index, ending)) => {
                open.remove(&index);
                ended(index, *ending);
                continue;
            }
            Err(ThreadSilence::Blocked) => blocked(patience),
            Err(ThreadSilence::Overdue(called)) => Failure::nowhere(format!(
                "ended by {}, and left behind: it did not come to its end within {}",
                called.by,
                seconds(SPECS_LIMIT)
            ))
            .into_interruption(),
            Err(ThreadSilence::Dead) => thread_died(thread.join()),
        };
        open.remove(&current);
        ended(current, AttemptOutcome::failed_early(lost));
        let reason = format!("{:?} before it never came to an end", specs[current].name);
        for index in open {
            ended(index, AttemptOutcome::left_out(&*reason));
        }
        return;
    }
    drop(thread.join());
}

/// Reason why nothing is heard of a thread.
enum ThreadSilence {
    Blocked,
    /// It was to end, and does not.
    Overdue(InterruptRequest),
    Dead,
}

fn receive_within(
    hear: &Receiver<ThreadMessage>,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<ThreadMessage, ThreadSilence> {
    let began = Instant::now();
    loop {
        let left = patience.saturating_sub(began.elapsed());
        match hear.recv_timeout(left.min(LOOK)) {
            Ok(word) => return Ok(word),
            Err(RecvTimeoutError::Disconnected) => return Err(ThreadSilence::Dead),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(ThreadSilence::Blocked),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(called) = interrupt.requested().filter(InterruptRequest::is_overdue) {
            return Err(ThreadSilence::Overdue(called));
        }
    }
}

fn blocked(patience: Duration) -> Failure {
    Failure::nowhere(format!(
        "the spec's thread is blocked: nothing came back for {}, and it was left behind; \
         a spec must not block or spin without an await",
        seconds(patience)
    ))
}

fn thread_died(joined: std::thread::Result<()>) -> Failure {
    match joined {
        Err(payload) => panics::failure(&*payload).during("outside of the spec's body"),
        Ok(()) => Failure::nowhere("the spec's thread ended without a result"),
    }
}

fn on_this_thread(specs: &[Spec], run: &Arc<Run>, turn: AttemptSlot, say: &Sender<ThreadMessage>) {
    panics::remember_on_this_thread();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match builder.enable_all().start_paused(run.tier.virtual_time()).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::nowhere(format!("no runtime for the spec: {error}"));
            send(say, ThreadMessage::Ends(0, Box::new(AttemptOutcome::failed_early(failure))));
            return;
        }
    };
    LocalSet::new().block_on(&runtime, live(specs, run, turn, say));
    runtime.shutdown_background();
}

/// An error means that the receiver has given up, and is ignored.
fn send(say: &Sender<ThreadMessage>, word: ThreadMessage) {
    drop(say.send(word));
}

async fn live(specs: &[Spec], run: &Arc<Run>, turn: AttemptSlot, say: &Sender<ThreadMessage>) {
    let mut runner = UnitRunner::new(run, turn.attempt);
    let mut broken: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, spec) in specs.iter().enumerate() {
        if let Some(last) = runner.last_failed() {
            broken.entry(specs[last].trial()).or_insert(&specs[last].name);
            run.failed(&specs[last], turn.attempt);
        }
        let before = spec.ordered.as_ref().and_then(|trial| broken.get(&**trial));
        let before = before.map(|failed| format!("{failed:?} failed before it"));
        if let Some(reason) = before.or_else(|| run.halted()) {
            send(say, ThreadMessage::Ends(index, Box::new(AttemptOutcome::left_out(reason))));
            continue;
        }
        // The groups that end with the spec before this one are left now, and may add to its failures.
        if let Some((last, ending)) = runner.leave_groups(Some(spec)).await {
            send(say, ThreadMessage::Ends(last, Box::new(ending)));
        }
        send(say, ThreadMessage::Begins(index));
        let attempt_log = attempt_log(spec, run, turn);
        let _running = run.progress.runs(&spec.name, &attempt_log);
        runner.run_spec(index, spec, &attempt_log).await;
    }
    if let Some((last, ending)) = runner.leave_groups(None).await {
        send(say, ThreadMessage::Ends(last, Box::new(ending)));
    }
}

fn attempt_log(spec: &Spec, run: &Arc<Run>, turn: AttemptSlot) -> Arc<AttemptLog> {
    let (path, reporters) = (spec.path.clone(), Arc::clone(&run.reporters));
    let attempt = usize::try_from(turn.attempt).unwrap_or(usize::MAX);
    let beginning = AttemptStart { path: &spec.path, attempt, worker: turn.worker };
    reporters.attempt_begins(beginning);
    let listener: MomentListener = Box::new(move |moment| {
        reporters.happened(AttemptStart { path: &path, attempt, worker: turn.worker }, moment);
    });
    AttemptLog::with_listener(Some(listener), &run.secrets)
}

/// A run on a tier that leaves no report. The limits are each spec's, and how much longer its thread may be silent.
#[cfg(test)]
pub(crate) fn run_on(
    tier: Arc<dyn crate::tier::Tier>,
    limits: (Duration, Duration),
    interrupt: &Arc<Interrupt>,
) -> Run {
    Run {
        tier,
        definitions: Arc::new(crate::tier::SuiteDefinitions::new(Vec::new())),
        prefix: "seatrial".into(),
        seed: 0,
        spec_limit: limits.0,
        silence: limits.1,
        retries: 0,
        fail_fast: false,
        one_status_writer: false,
        report: None,
        reporters: Arc::default(),
        progress: Arc::default(),
        halt: crate::spec::run::StopFlag::default(),
        interrupt: Arc::clone(interrupt),
        secrets: crate::redaction::RunSecrets::default(),
    }
}

/// Outcomes of a suite's specs, run as one unit.
#[cfg(test)]
pub(crate) fn endings_of(suite: &crate::spec::Suite, run: Run) -> Vec<AttemptOutcome> {
    let specs = crate::spec::plan::plan(suite).expect("a suite that can be run").into();
    let mut endings = Vec::new();
    attempt(&specs, &Arc::new(run), AttemptSlot { attempt: 1, worker: 0 }, |_, ending| endings.push(ending));
    endings
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Mutex;
    use std::sync::mpsc;

    use futures::FutureExt as _;
    use futures::future::LocalBoxFuture;

    use super::*;
    use crate::artefacts::{ArtefactWriter, Collector, FailureScene};
    use crate::context::Cx;
    use crate::matchers::equal;
    use crate::mins;
    use crate::spec::tree::Suite;
    use crate::tier::Fake;

    fn endings(suite: &Suite, limit: Duration) -> Vec<AttemptOutcome> {
        endings_of(suite, run_on(Arc::new(Fake), (limit, limit), &Arc::default()))
    }

    #[test]
    fn a_spec_that_blocks_its_thread_is_given_up_and_told_as_such() {
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Mutex::new(blocked);
        let mut suite = Suite::new();
        suite.describe("Machine", |s| {
            s.ordered();
            s.it("blocks", async move |_: &mut Cx| {
                // Nothing in the runtime can end this: the sender goes when the test ends.
                drop(blocked.lock().map(|blocked| blocked.recv()));
                Ok(())
            });
            s.it("is never reached", async |_: &mut Cx| Ok(()));
        });
        let endings = endings(&suite, Duration::from_millis(50));
        let story = endings[0].story();
        assert!(story.starts_with("the spec's thread is blocked: nothing came back for 0.150s"), "{story}");
        let unreached = "\"Machine / blocks\" before it never came to an end";
        assert_eq!(endings[1].left_out.as_deref(), Some(unreached));
        drop(release);
    }

    #[test]
    fn a_spec_has_the_limit_that_stands_closest_to_it() {
        let mut suite = Suite::new();
        suite.describe("Machine", |s| {
            s.time_out(Duration::from_secs(3));
            s.it("waits", async |_: &mut Cx| std::future::pending().await);
        });
        assert_eq!(endings(&suite, Duration::from_secs(90))[0].story(), "did not finish within 3s");
    }

    #[test]
    fn a_clean_up_has_a_minute_or_the_limit_that_it_asked_for() {
        let mut suite = Suite::new();
        suite.describe("Machine", |s| {
            s.it("is tidied up", async |cx: &mut Cx| {
                cx.defer(async |_: &mut Cx| std::future::pending().await);
                cx.defer_within(mins(3), async |_: &mut Cx| {
                    tokio::time::sleep(mins(2)).await;
                    Ok(())
                });
                cx.defer_within(mins(3), async |_: &mut Cx| std::future::pending().await);
                cx.expect(1).to(equal(1))
            });
        });
        let ending = &endings(&suite, mins(5))[0];
        let told: Vec<_> = ending.failures.iter().map(Failure::message).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        // The newest one is undone first.
        assert!(told[0].contains("did not finish within 180s"), "{told:?}");
        assert!(told[1].contains("did not finish within 60s"), "{told:?}");
    }

    /// Leaves one file.
    struct Logbook;

    impl Collector for Logbook {
        fn name(&self) -> &'static str {
            "the logbook"
        }

        fn collect<'a>(
            &'a self,
            _: &'a FailureScene,
            writer: &'a ArtefactWriter,
        ) -> LocalBoxFuture<'a, Result<(), String>> {
            async { writer.write("logbook", "logbook.txt", "storm") }.boxed_local()
        }
    }

    #[test]
    fn collectors_added_by_a_spec_or_its_group_run_on_failure() {
        let mut suite = Suite::new();
        suite.describe("Ship", |s| {
            s.it("sinks", async |cx: &mut Cx| {
                cx.add_collector(Rc::new(Logbook));
                cx.expect(1).to(equal(2))
            });
            s.it("sinks without a log", async |cx: &mut Cx| {
                let logbook: Rc<dyn Collector> = Rc::new(Logbook);
                cx.add_collector(Rc::clone(&logbook));
                cx.remove_collector(&logbook);
                cx.expect(1).to(equal(2))
            });
            s.it("sails", async |cx: &mut Cx| {
                cx.add_collector(Rc::new(Logbook));
                cx.expect(1).to(equal(1))
            });
            s.context("of a fleet", |s| {
                s.before_all(async |cx: &mut Cx| {
                    cx.add_collector(Rc::new(Logbook));
                    Ok(())
                });
                s.it("sinks", async |cx: &mut Cx| cx.expect(1).to(equal(2)));
            });
        });
        let folder = tempfile::tempdir().unwrap();
        let limits = (mins(1), mins(1));
        let run =
            Run { report: Some(folder.path().to_owned()), ..run_on(Arc::new(Fake), limits, &Arc::default()) };
        let has_one =
            |ending: &AttemptOutcome| ending.artefacts.iter().any(|file| file.path.ends_with("/logbook.txt"));
        let endings: Vec<_> = endings_of(&suite, run).iter().map(has_one).collect();
        assert_eq!(endings, [true, false, false, true]);
    }
}
