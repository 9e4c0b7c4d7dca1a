//! What a spec has done so far and what it waits for now, readable while it is stuck, from any thread.
//!
//! The spec's body owns the `Cx` while it runs, so the runner looks here when time is up, and so does who wants to
//! know how far it is. It records; it decides nothing.

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::artefacts::{Met, Veil};
use crate::report::{Moment, MomentKind, Ongoing, Timeline};

/// Called with what happens in a spec, when it happens.
pub(crate) type Listener = Box<dyn Fn(&Moment) + Send + Sync>;

/// The record of one attempt at a spec.
pub(crate) struct Board {
    began: std::time::Instant,
    timeline: Arc<Timeline>,
    listener: Option<Listener>,
    veil: Arc<Veil>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: String,
    steps: Vec<(Duration, String)>,
    expectations: usize,
    dropped: Vec<&'static Location<'static>>,
    waits: Vec<(usize, Arc<dyn Waiting>)>,
    next_wait: usize,
}

/// Something a spec is waiting for.
pub(crate) trait Waiting: Send + Sync {
    /// What is waited for and what was seen until now, in as many lines as it takes.
    fn so_far(&self) -> String;
}

/// Takes a wait off the board when it is over, however it ends.
pub(crate) struct WaitGuard {
    board: Arc<Board>,
    id: usize,
}

impl Board {
    /// A board that nobody listens to.
    #[cfg(test)]
    pub(crate) fn new() -> Arc<Self> {
        Self::heard_by(None, &Met::default())
    }

    /// A board of a run whose attempts have met these Secrets; its time begins now, by tokio's clock of this thread.
    pub(crate) fn heard_by(listener: Option<Listener>, met: &Met) -> Arc<Self> {
        let (began, timeline) = (std::time::Instant::now(), Timeline::begin());
        Arc::new(Self { began, timeline, listener, veil: Veil::among(met), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while the board is written")
    }

    /// How long the spec has been running, in its cluster's time. Only its own thread knows.
    pub(crate) fn elapsed(&self) -> Duration {
        self.timeline.elapsed()
    }

    /// How long the spec has been running, in the machine's time.
    pub(crate) fn running_for(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// What is known of Secrets in this attempt.
    pub(crate) fn veil(&self) -> &Arc<Veil> {
        &self.veil
    }

    /// A part of the spec's life begins.
    pub(crate) fn enters(&self, phase: &str) {
        phase.clone_into(&mut self.state().phase);
    }

    /// The same for a part that has a length on the timeline.
    pub(crate) fn begins(&self, kind: MomentKind, phase: &str) -> Ongoing {
        self.enters(phase);
        self.timeline.start(kind, phase)
    }

    pub(crate) fn step(&self, text: &str) {
        let text = self.veil.over(text).into_owned();
        let at = self.elapsed();
        self.tell(MomentKind::Step, &text);
        self.state().steps.push((at, text));
    }

    /// Something that goes on beside what the spec does: told as a step is, with a length on the timeline.
    #[cfg(feature = "kind")]
    pub(crate) fn goes_on(&self, kind: MomentKind, text: &str) -> Ongoing {
        let text = self.veil.over(text).into_owned();
        let at = self.elapsed();
        self.heard(at, kind, &text);
        let ongoing = self.timeline.start(kind, text.as_str());
        self.state().steps.push((at, text));
        ongoing
    }

    /// Puts something on the timeline that happens now.
    pub(crate) fn tell(&self, kind: MomentKind, text: &str) {
        let at = self.elapsed();
        let text = self.veil.over(text).into_owned();
        let moment = self.heard(at, kind, &text);
        self.timeline.push(moment, at);
    }

    /// Lets whoever listens hear of something that happens now.
    fn heard(&self, at: Duration, kind: MomentKind, text: &str) -> Moment {
        let moment = Moment { at: at.as_secs_f64(), kind, text: text.to_owned(), ..Moment::default() };
        if let Some(listener) = &self.listener {
            listener(&moment);
        }
        moment
    }

    /// The attempt has failed.
    pub(crate) fn failed(&self, text: &str, detail: &str) {
        let moment = Moment {
            kind: MomentKind::Failure,
            text: text.to_owned(),
            detail: detail.to_owned(),
            failed: true,
            ..Moment::default()
        };
        self.timeline.push_now(moment);
    }

    pub(crate) fn expected_something(&self) {
        self.state().expectations += 1;
    }

    /// What was expected until now was not the spec's own doing.
    pub(crate) fn forget_expectations(&self) {
        self.state().expectations = 0;
    }

    pub(crate) fn dropped_unchecked(&self, place: &'static Location<'static>) {
        self.state().dropped.push(place);
    }

    pub(crate) fn waits_for(self: &Arc<Self>, what: Arc<dyn Waiting>) -> WaitGuard {
        let mut state = self.state();
        let id = state.next_wait;
        state.next_wait += 1;
        state.waits.push((id, what));
        WaitGuard { board: Arc::clone(self), id }
    }

    /// Whether the spec ran a single expectation.
    pub(crate) fn has_expectations(&self) -> bool {
        self.state().expectations > 0
    }

    /// Where expectations were written that nobody awaited or completed. Each is told once.
    pub(crate) fn unchecked(&self) -> Vec<&'static Location<'static>> {
        std::mem::take(&mut self.state().dropped)
    }

    pub(crate) fn has_unchecked(&self) -> bool {
        !self.state().dropped.is_empty()
    }

    /// The waits that are not over, told one after the other.
    pub(crate) fn waits_so_far(&self) -> Vec<String> {
        let waits: Vec<_> = self.state().waits.iter().map(|(_, wait)| Arc::clone(wait)).collect();
        waits.iter().map(|wait| wait.so_far()).collect()
    }

    pub(crate) fn steps(&self) -> Vec<(Duration, String)> {
        self.state().steps.clone()
    }

    /// Where in its life the spec is.
    pub(crate) fn phase(&self) -> String {
        self.state().phase.clone()
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.board.state().waits.retain(|(id, _)| *id != self.id);
    }
}
