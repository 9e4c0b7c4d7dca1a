//! Marks of groups and specs, and the methods that set them.
//!
//! Marks are handed down from group to spec; what they lead to is decided elsewhere.

use std::time::Duration;

use crate::need::Need;

/// The marks of one group or spec.
#[derive(Clone, Default)]
pub(crate) struct Marks {
    pub(crate) labels: Vec<String>,
    pub(crate) needs: Vec<Need>,
    pub(crate) time_out: Option<Duration>,
    pub(crate) retries: Option<u32>,
    pub(crate) serial: bool,
    pub(crate) focused: bool,
    pub(crate) pending: Option<String>,
}

impl Marks {
    /// The marks of something within a group. Focus is not handed down here: it depends on what else is in the group.
    pub(crate) fn joined(&self, inner: &Self) -> Self {
        Self {
            labels: self.labels.iter().chain(&inner.labels).cloned().collect(),
            needs: self.needs.iter().chain(&inner.needs).copied().collect(),
            time_out: inner.time_out.or(self.time_out),
            retries: inner.retries.or(self.retries),
            serial: self.serial || inner.serial,
            focused: inner.focused,
            pending: inner.pending.clone().or_else(|| self.pending.clone()),
        }
    }
}

/// Gives a type with `marks` the words that mark it.
macro_rules! marking {
    ($type:ty) => {
        impl $type {
            /// Labels this spec, or each spec of this group, for `SEATRIAL_LABELS`.
            pub fn label(&mut self, label: &str) -> &mut Self {
                self.marks.labels.push(label.to_owned());
                self
            }

            /// Says what this spec, or each spec of this group, needs; where the tier lacks it, it is listed as
            /// ignored.
            pub fn needs(&mut self, need: $crate::need::Need) -> &mut Self {
                self.marks.needs.push(need);
                self
            }

            /// Sets the timeout of this spec, or of each spec of this group, hooks included, instead of
            /// `SEATRIAL_SPEC_TIMEOUT`.
            pub fn time_out(&mut self, limit: std::time::Duration) -> &mut Self {
                self.marks.time_out = Some(limit);
                self
            }

            /// Sets the number of retries of this spec, or of each spec of this group, instead of
            /// `SEATRIAL_RETRIES`. One that passes then is reported as flaky.
            pub fn retries(&mut self, count: u32) -> &mut Self {
                self.marks.retries = Some(count);
                self
            }

            /// Nothing else of this process runs while this spec, or a spec of this group, runs. Such specs come last.
            /// Under nextest every spec is a process of its own: there, a test group of one thread is what is needed.
            pub fn serial(&mut self) -> &mut Self {
                self.marks.serial = true;
                self
            }

            /// Only this spec, or the specs of this group, and others with focus, shall run. For an hour's work: where
            /// `CI` or `SEATRIAL_FAIL_ON_FOCUS` is set, a suite with a focus is refused. A focus within a group
            /// with focus narrows it.
            pub fn focus(&mut self) -> &mut Self {
                self.marks.focused = true;
                self
            }

            /// This spec, or this group, is left out for now: it is reported as skipped, with the reason.
            pub fn pending(&mut self, reason: &str) -> &mut Self {
                self.marks.pending = Some(reason.to_owned());
                self
            }
        }
    };
}

pub(crate) use marking;
