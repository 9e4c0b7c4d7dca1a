//! The trait of reporters.
//!
//! The run loop calls; reporters listen. A reporter decides nothing about the run, and what it cannot write is an
//! error of the run's end, never of a spec.

use std::io;
use std::sync::Arc;

use crate::report::model::{Moment, SpecReport};

/// A run before its first spec.
#[derive(Clone, Debug, Default)]
#[expect(dead_code, reason = "the reporters that read it come next")]
pub(crate) struct RunInfo {
    /// The test target's name.
    pub(crate) suite: String,
    /// The tier.
    pub(crate) tier: String,
    /// The run's seed.
    pub(crate) seed: u64,
    /// Number of specs that will run.
    pub(crate) specs: usize,
    /// Number of parallel workers.
    pub(crate) workers: usize,
}

/// One attempt that begins.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "the reporters that read it come next")]
pub(crate) struct AttemptStart<'a> {
    /// The names from the outermost group to the spec.
    pub(crate) path: &'a [String],
    /// Counted from 1.
    pub(crate) attempt: usize,
    /// Counted from 0.
    pub(crate) worker: usize,
}

/// Output of a run: on the terminal, in files, for a CI service.
///
/// Calls come from the threads of all workers at once, so an implementation keeps its state behind a lock. For each
/// spec that runs: `attempt_begins` at least once, any number of `happened` after it, one `spec_ended`. A spec that is
/// left out has `spec_ended` alone. `run_begins` comes before all of them and `run_ended` after all, once each.
pub(crate) trait Reporter: Send + Sync {
    /// The run is planned and its tier is usable.
    fn run_begins(&self, _run: &RunInfo) {}

    /// A worker takes a spec up, for the first time or again.
    fn attempt_begins(&self, _spec: AttemptStart<'_>) {}

    /// Something happened in a spec that is running. Called from the spec's own thread: it must be quick.
    fn happened(&self, _spec: AttemptStart<'_>, _moment: &Moment) {}

    /// A spec will not be tried again.
    fn spec_ended(&self, _spec: &SpecReport) {}

    /// The last spec has ended and the tier is stopped. Here files are written.
    fn run_ended(&self) -> io::Result<()> {
        Ok(())
    }
}

/// One that others hold, too.
impl<R: Reporter + ?Sized> Reporter for Arc<R> {
    fn run_begins(&self, run: &RunInfo) {
        (**self).run_begins(run);
    }

    fn attempt_begins(&self, spec: AttemptStart<'_>) {
        (**self).attempt_begins(spec);
    }

    fn happened(&self, spec: AttemptStart<'_>, moment: &Moment) {
        (**self).happened(spec, moment);
    }

    fn spec_ended(&self, spec: &SpecReport) {
        (**self).spec_ended(spec);
    }

    fn run_ended(&self) -> io::Result<()> {
        (**self).run_ended()
    }
}

/// Several reporters as one, called in their order.
#[derive(Default)]
pub(crate) struct Reporters(Vec<Box<dyn Reporter>>);

impl Reporters {
    /// Adds one that is called after those that are there.
    pub(crate) fn add(&mut self, reporter: impl Reporter + 'static) {
        self.0.push(Box::new(reporter));
    }
}

impl Reporter for Reporters {
    fn run_begins(&self, run: &RunInfo) {
        self.0.iter().for_each(|reporter| reporter.run_begins(run));
    }

    fn attempt_begins(&self, spec: AttemptStart<'_>) {
        self.0.iter().for_each(|reporter| reporter.attempt_begins(spec));
    }

    fn happened(&self, spec: AttemptStart<'_>, moment: &Moment) {
        self.0.iter().for_each(|reporter| reporter.happened(spec, moment));
    }

    fn spec_ended(&self, spec: &SpecReport) {
        self.0.iter().for_each(|reporter| reporter.spec_ended(spec));
    }

    /// Calls all of them, also after one has failed; returns the first error.
    fn run_ended(&self) -> io::Result<()> {
        let results: Vec<_> = self.0.iter().map(|reporter| reporter.run_ended()).collect();
        results.into_iter().collect()
    }
}
