//! State that the specs of a run share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::interrupt::Interrupt;
use crate::redaction::RunSecrets;
use crate::report::Reporters;
use crate::spec::plan::Spec;
use crate::spec::progress::Progress;
use crate::tier::{SuiteDefinitions, Tier};

/// One run over the chosen specs.
pub(crate) struct Run {
    pub(crate) tier: Arc<dyn Tier>,
    pub(crate) definitions: Arc<SuiteDefinitions>,
    pub(crate) prefix: String,
    pub(crate) seed: u64,
    pub(crate) spec_limit: Duration,
    /// Longest silence of a spec's thread, in the machine's time, beyond twice the spec's own limit. A body that
    /// blocks its thread is never out of time by the runtime's clock.
    pub(crate) silence: Duration,
    /// Default number of retries.
    pub(crate) retries: u32,
    /// True if the first failure is the last.
    pub(crate) fail_fast: bool,
    /// True if a kind's status may have one writer only.
    pub(crate) one_status_writer: bool,
    /// Folder for evidence, if there is a report.
    pub(crate) report: Option<PathBuf>,
    pub(crate) reporters: Arc<Reporters>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) halt: StopFlag,
    pub(crate) interrupt: Arc<Interrupt>,
    /// The Secrets that its attempts have met.
    pub(crate) secrets: RunSecrets,
}

impl Run {
    /// Number of attempts at a spec.
    pub(crate) fn attempts(&self, spec: &Spec) -> u32 {
        spec.retries.unwrap_or(self.retries).saturating_add(1)
    }

    /// Reason for starting no further spec, if there is one.
    pub(crate) fn halted(&self) -> Option<String> {
        let interrupted =
            || self.interrupt.requested().map(|called| format!("the run was ended by {}", called.by));
        self.halt.called().or_else(interrupted)
    }

    /// An attempt at a spec failed: if there is no other one, that may be the end of the run.
    pub(crate) fn failed(&self, spec: &Spec, attempt: u32) {
        if self.fail_fast && attempt >= self.attempts(spec) {
            self.halt.call(format!("{:?} failed, and the run stops at the first failure", spec.name));
        }
    }
}

/// Whether, and why, no spec is begun any more.
#[derive(Default)]
pub(crate) struct StopFlag(Mutex<Option<String>>);

impl StopFlag {
    /// From now on no spec is begun. The first reason stays.
    pub(crate) fn call(&self, reason: impl Into<String>) {
        self.0.lock().expect("nobody panics while a run is halted").get_or_insert_with(|| reason.into());
    }

    fn called(&self) -> Option<String> {
        self.0.lock().expect("nobody panics while a run is halted").clone()
    }
}
