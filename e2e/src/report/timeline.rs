//! The timeline of an attempt while it grows: whoever makes something happen tells it here.
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
    moments: Mutex<Vec<Moment>>,
    /// Whose lines were put here when they were written: `POD/CONTAINER`.
    followed: Mutex<BTreeSet<String>>,
}

/// Something that goes on: it has no end on the timeline until it is told how it ended.
#[must_use = "what has begun must be told to have ended"]
pub(crate) struct Ongoing {
    timeline: Arc<Timeline>,
    index: usize,
}

impl Timeline {
    pub(crate) fn begin() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), moments: Mutex::default(), followed: Mutex::default() })
    }

    /// How long the attempt has been going on, in its cluster's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Something happened just now.
    pub(crate) fn tell(&self, kind: MomentKind, text: impl Into<String>) {
        self.push(Moment { kind, text: text.into(), ..Moment::default() }, self.elapsed());
    }

    /// Something happened just now, with all that is known of it; its time is set here.
    pub(crate) fn push_now(&self, moment: Moment) {
        self.push(moment, self.elapsed());
    }

    /// Something happened earlier; it is put behind what was told before.
    pub(crate) fn push(&self, moment: Moment, at: Duration) {
        self.moments().push(Moment { at: seconds(at), ..moment });
    }

    /// Something begins just now.
    pub(crate) fn start(self: &Arc<Self>, kind: MomentKind, text: impl Into<String>) -> Ongoing {
        let moment = Moment { at: seconds(self.elapsed()), kind, text: text.into(), ..Moment::default() };
        let mut moments = self.moments();
        moments.push(moment);
        Ongoing { timeline: Arc::clone(self), index: moments.len() - 1 }
    }

    /// What was told until now, ordered by time; what happened at the same time stays in the order of telling.
    pub(crate) fn told(&self) -> Vec<Moment> {
        let mut told = self.moments().clone();
        told.sort_by(|a, b| a.at.total_cmp(&b.at));
        told
    }

    /// From now on somebody puts the lines of a container here as they come.
    pub(crate) fn follows(&self, container: &str) {
        self.followed().insert(container.to_owned());
    }

    /// Whether the lines of a container are here already.
    pub(crate) fn has_followed(&self, container: &str) -> bool {
        self.followed().contains(container)
    }

    fn followed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.followed.lock().expect("nobody panics while a container is noted")
    }

    fn moments(&self) -> MutexGuard<'_, Vec<Moment>> {
        self.moments.lock().expect("nobody panics while a moment is told")
    }
}

impl Ongoing {
    /// It ended well.
    pub(crate) fn ended(self) {
        self.close(None);
    }

    /// It ended with a failure.
    pub(crate) fn failed(self, detail: impl Into<String>) {
        self.close(Some(detail.into()));
    }

    fn close(self, failure: Option<String>) {
        let now = seconds(self.timeline.elapsed());
        let mut moments = self.timeline.moments();
        let moment = &mut moments[self.index];
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
    async fn what_goes_on_is_there_from_its_begin_and_has_a_length_at_its_end() {
        let timeline = Timeline::begin();
        tokio::time::advance(Duration::from_secs(1)).await;
        let hook = timeline.start(MomentKind::Hook, "before_each");
        assert_eq!(timeline.told()[0].took, None);
        tokio::time::advance(Duration::from_millis(2500)).await;
        timeline.tell(MomentKind::Step, "inside");
        hook.failed("no crew");
        let told = timeline.told();
        assert_eq!((told[0].at, told[0].took, told[0].failed), (1.0, Some(2.5), true));
        assert_eq!((told[1].at, told[1].text.as_str()), (3.5, "inside"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_late_stands_at_its_time() {
        let timeline = Timeline::begin();
        tokio::time::advance(Duration::from_secs(5)).await;
        timeline.tell(MomentKind::Step, "now");
        timeline.push(Moment { text: "then".into(), ..Moment::default() }, Duration::from_secs(2));
        let told: Vec<_> = timeline.told().into_iter().map(|moment| moment.text).collect();
        assert_eq!(told, ["then", "now"]);
    }
}
