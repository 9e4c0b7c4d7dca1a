//! Log of one attempt at a spec: steps, expectations, and waits that are not over. Any thread can read it.
//!
//! The spec's body owns the `Cx` while it runs, so the runner reads the log when time is up, and a progress report
//! reads it while the spec runs.

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::redaction::{Redactor, RunSecrets};
use crate::report::{Moment, MomentKind, OngoingMoment, Timeline};

/// Called with what happens in a spec, when it happens.
pub(crate) type MomentListener = Box<dyn Fn(&Moment) + Send + Sync>;

/// The record of one attempt at a spec.
pub(crate) struct AttemptLog {
    began: std::time::Instant,
    timeline: Arc<Timeline>,
    listener: Option<MomentListener>,
    redactor: Arc<Redactor>,
    state: Mutex<AttemptState>,
}

#[derive(Default)]
struct AttemptState {
    phase: String,
    steps: Vec<(Duration, String)>,
    expectations: usize,
    dropped: Vec<&'static Location<'static>>,
    waits: Vec<(usize, Arc<dyn PendingWait>)>,
    next_wait: usize,
}

/// Something a spec is waiting for.
pub(crate) trait PendingWait: Send + Sync {
    /// The expectation and the observations so far, in any number of lines.
    fn describe(&self) -> String;
}

/// Removes a wait from the log when it is over, however it ends.
pub(crate) struct WaitGuard {
    attempt_log: Arc<AttemptLog>,
    id: usize,
}

impl AttemptLog {
    /// A log without a listener.
    #[cfg(test)]
    pub(crate) fn new() -> Arc<Self> {
        Self::with_listener(None, &RunSecrets::default())
    }

    /// A log of an attempt of a run that knows these Secrets. Its time begins now, by tokio's clock of this thread.
    pub(crate) fn with_listener(listener: Option<MomentListener>, run_secrets: &RunSecrets) -> Arc<Self> {
        let (began, timeline) = (std::time::Instant::now(), Timeline::begin());
        Arc::new(Self {
            began,
            timeline,
            listener,
            redactor: Redactor::sharing(run_secrets),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, AttemptState> {
        self.state.lock().expect("nobody panics while the log is written")
    }

    /// Time since the attempt's start, in its cluster's time. Only the spec's own thread knows it.
    pub(crate) fn elapsed(&self) -> Duration {
        self.timeline.elapsed()
    }

    /// Time since the attempt's start, in the machine's time.
    pub(crate) fn running_for(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// Redactor with the Secrets of this attempt.
    pub(crate) fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }

    /// A part of the spec's life begins.
    pub(crate) fn set_phase(&self, phase: &str) {
        phase.clone_into(&mut self.state().phase);
    }

    /// The same for a part that has a length on the timeline.
    pub(crate) fn start_phase(&self, kind: MomentKind, phase: &str) -> OngoingMoment {
        self.set_phase(phase);
        self.timeline.start(kind, phase)
    }

    pub(crate) fn step(&self, text: &str) {
        let text = self.redactor.redact(text).into_owned();
        let at = self.elapsed();
        self.record(MomentKind::Step, &text);
        self.state().steps.push((at, text));
    }

    /// Starts a step that lasts while the spec goes on, with a duration on the timeline.
    #[cfg(feature = "kind")]
    pub(crate) fn start_step(&self, kind: MomentKind, text: &str) -> OngoingMoment {
        let text = self.redactor.redact(text).into_owned();
        let at = self.elapsed();
        self.notify(at, kind, &text);
        let ongoing = self.timeline.start(kind, text.as_str());
        self.state().steps.push((at, text));
        ongoing
    }

    /// Puts something on the timeline that happens now.
    pub(crate) fn record(&self, kind: MomentKind, text: &str) {
        let at = self.elapsed();
        let text = self.redactor.redact(text).into_owned();
        let moment = self.notify(at, kind, &text);
        self.timeline.push(moment, at);
    }

    /// Calls the listener with something that happens now.
    fn notify(&self, at: Duration, kind: MomentKind, text: &str) -> Moment {
        let moment = Moment { at: at.as_secs_f64(), kind, text: text.to_owned(), ..Moment::default() };
        if let Some(listener) = &self.listener {
            listener(&moment);
        }
        moment
    }

    /// The attempt has failed.
    pub(crate) fn record_failure(&self, text: &str, detail: &str) {
        let moment = Moment {
            kind: MomentKind::Failure,
            text: text.to_owned(),
            detail: detail.to_owned(),
            failed: true,
            ..Moment::default()
        };
        self.timeline.push_now(moment);
    }

    pub(crate) fn count_expectation(&self) {
        self.state().expectations += 1;
    }

    /// Forgets expectations of hooks, which are not the spec's own.
    pub(crate) fn reset_expectations(&self) {
        self.state().expectations = 0;
    }

    pub(crate) fn add_unchecked(&self, place: &'static Location<'static>) {
        self.state().dropped.push(place);
    }

    pub(crate) fn add_wait(self: &Arc<Self>, what: Arc<dyn PendingWait>) -> WaitGuard {
        let mut state = self.state();
        let id = state.next_wait;
        state.next_wait += 1;
        state.waits.push((id, what));
        WaitGuard { attempt_log: Arc::clone(self), id }
    }

    /// True if the spec ran a single expectation.
    pub(crate) fn has_expectations(&self) -> bool {
        self.state().expectations > 0
    }

    /// Takes the places of expectations that were never awaited or completed.
    pub(crate) fn take_unchecked(&self) -> Vec<&'static Location<'static>> {
        std::mem::take(&mut self.state().dropped)
    }

    pub(crate) fn has_unchecked(&self) -> bool {
        !self.state().dropped.is_empty()
    }

    /// Descriptions of the waits that are not over.
    pub(crate) fn describe_waits(&self) -> Vec<String> {
        let waits: Vec<_> = self.state().waits.iter().map(|(_, wait)| Arc::clone(wait)).collect();
        waits.iter().map(|wait| wait.describe()).collect()
    }

    pub(crate) fn steps(&self) -> Vec<(Duration, String)> {
        self.state().steps.clone()
    }

    /// Current phase of the spec.
    pub(crate) fn phase(&self) -> String {
        self.state().phase.clone()
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.attempt_log.state().waits.retain(|(id, _)| *id != self.id);
    }
}
