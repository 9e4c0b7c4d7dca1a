//! The timeline of a running attempt.
//!
//! It can be read from another thread at any time, also when the spec's own thread is stuck. It counts from its making
//! by tokio's clock, which is the cluster's where time is virtual.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::report::model::{Moment, MomentKind, seconds};

/// One attempt's timeline.
pub(crate) struct Timeline {
    start: Instant,
    moments: Mutex<Vec<TimelineEntry>>,
    /// Whose lines were put here when they were written: `POD/CONTAINER`.
    followed: Mutex<BTreeSet<String>>,
}

/// A moment, and at which of the API server's revisions it came to be, where that is known.
#[derive(Clone)]
struct TimelineEntry {
    moment: Moment,
    revision: Option<u64>,
}

/// A moment with a duration, which is open until it is finished or failed.
#[must_use = "what has begun must be told to have ended"]
pub(crate) struct OngoingMoment {
    timeline: Arc<Timeline>,
    index: usize,
}

impl Timeline {
    pub(crate) fn begin() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), moments: Mutex::default(), followed: Mutex::default() })
    }

    /// Time since the attempt's start, in its cluster's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Something happened just now.
    pub(crate) fn record(&self, kind: MomentKind, text: impl Into<String>) {
        self.push(Moment { kind, text: text.into(), ..Moment::default() }, self.elapsed());
    }

    /// Something happened just now, with all that is known of it; its time is set here.
    pub(crate) fn push_now(&self, moment: Moment) {
        self.push(moment, self.elapsed());
    }

    /// Something that was written at this revision was heard of just now.
    pub(crate) fn push_written(&self, moment: Moment, revision: &str) {
        self.put(moment, self.elapsed(), revision.parse().ok());
    }

    /// Records something that happened earlier.
    pub(crate) fn push(&self, moment: Moment, at: Duration) {
        self.put(moment, at, None);
    }

    fn put(&self, moment: Moment, at: Duration, revision: Option<u64>) {
        self.lock().push(TimelineEntry { moment: Moment { at: seconds(at), ..moment }, revision });
    }

    /// Something begins just now.
    pub(crate) fn start(self: &Arc<Self>, kind: MomentKind, text: impl Into<String>) -> OngoingMoment {
        let moment = Moment { at: seconds(self.elapsed()), kind, text: text.into(), ..Moment::default() };
        let mut moments = self.lock();
        moments.push(TimelineEntry { moment, revision: None });
        OngoingMoment { timeline: Arc::clone(self), index: moments.len() - 1 }
    }

    /// Moments until now, ordered by time. Moments of the same time stay in the order of recording, but what
    /// was written to the API server, of which each kind's watch tells by itself, is in the order of writing.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let mut told = self.lock().clone();
        told.sort_by(|a, b| a.moment.at.total_cmp(&b.moment.at));
        told.chunk_by_mut(|a, b| a.moment.at.total_cmp(&b.moment.at).is_eq()).for_each(in_order_of_writing);
        told.into_iter().map(|told| told.moment).collect()
    }

    /// Notes that the lines of a container are recorded as they come.
    pub(crate) fn add_followed(&self, container: &str) {
        self.followed().insert(container.to_owned());
    }

    /// True if the lines of a container are here already.
    pub(crate) fn has_followed(&self, container: &str) -> bool {
        self.followed().contains(container)
    }

    fn followed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.followed.lock().expect("nobody panics while a container is noted")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<TimelineEntry>> {
        self.moments.lock().expect("nobody panics while a moment is told")
    }
}

/// Those that have a revision change places among themselves; the others stay where they are.
fn in_order_of_writing(same: &mut [TimelineEntry]) {
    let places: Vec<usize> = (0..same.len()).filter(|at| same[*at].revision.is_some()).collect();
    let mut written: Vec<TimelineEntry> = places.iter().map(|at| same[*at].clone()).collect();
    written.sort_by_key(|told| told.revision);
    for (place, told) in places.into_iter().zip(written) {
        same[place] = told;
    }
}

impl OngoingMoment {
    /// It ended well.
    pub(crate) fn finish(self) {
        self.close(None);
    }

    /// It ended with a failure.
    pub(crate) fn fail(self, detail: impl Into<String>) {
        self.close(Some(detail.into()));
    }

    fn close(self, failure: Option<String>) {
        let now = seconds(self.timeline.elapsed());
        let mut moments = self.timeline.lock();
        let moment = &mut moments[self.index].moment;
        moment.took = Some(now - moment.at);
        if let Some(detail) = failure {
            (moment.failed, moment.detail) = (true, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ongoing_moment_is_visible_from_its_start_and_gets_a_duration_at_its_end() {
        let timeline = Timeline::begin();
        tokio::time::advance(Duration::from_secs(1)).await;
        let hook = timeline.start(MomentKind::Hook, "before_each");
        assert_eq!(timeline.moments()[0].took, None);
        tokio::time::advance(Duration::from_millis(2500)).await;
        timeline.record(MomentKind::Step, "inside");
        hook.fail("no crew");
        let told = timeline.moments();
        assert_eq!((told[0].at, told[0].took, told[0].failed), (1.0, Some(2.5), true));
        assert_eq!((told[1].at, told[1].text.as_str()), (3.5, "inside"));
    }

    #[tokio::test(start_paused = true)]
    async fn late_moment_is_sorted_by_its_time() {
        let timeline = Timeline::begin();
        tokio::time::advance(Duration::from_secs(5)).await;
        timeline.record(MomentKind::Step, "now");
        timeline.push(Moment { text: "then".into(), ..Moment::default() }, Duration::from_secs(2));
        let told: Vec<_> = timeline.moments().into_iter().map(|moment| moment.text).collect();
        assert_eq!(told, ["then", "now"]);
    }

    #[tokio::test(start_paused = true)]
    async fn simultaneous_writes_are_sorted_by_revision() {
        let timeline = Timeline::begin();
        let moment = |text: &str| Moment { text: text.into(), ..Moment::default() };
        // A machine that is made for a cluster is heard of first, since its watch is asked first.
        timeline.push_written(moment("machine"), "12");
        timeline.record(MomentKind::Step, "waiting");
        timeline.push_written(moment("cluster"), "9");
        timeline.push_written(moment("no number"), "none");
        timeline.push_written(moment("event"), "10");
        tokio::time::advance(Duration::from_secs(1)).await;
        timeline.push_written(moment("late"), "3");
        let told: Vec<_> = timeline.moments().into_iter().map(|moment| moment.text).collect();
        assert_eq!(told, ["cluster", "waiting", "event", "no number", "machine", "late"]);
    }
}
