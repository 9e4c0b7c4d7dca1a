//! Workers: units in parallel, serial ones alone, failed ones again, and a report for each spec.
//!
//! A failed unit is tried again from its beginning (connection, namespace, `before_all`), with those of its specs that
//! failed, or with all of an ordered group of which one failed. A spec that failed and then passed is flaky, and is
//! told so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::report::{Outcome, Reporter as _, SpecReport, suite_name};
use crate::spec::attempt::AttemptOutcome;
use crate::spec::order::Unit;
use crate::spec::plan::Spec;
use crate::spec::run::Run;
use crate::spec::thread::{AttemptSlot, attempt};

/// Runs all units and gives what became of their specs, in the order in which they ended.
pub(crate) fn run_units(units: &[Unit], run: &Arc<Run>, workers: usize) -> Vec<SpecReport> {
    let (together, alone) = units.split_at(units.partition_point(|unit| !unit.serial));
    let reports = Mutex::default();
    parallel(together, run, workers, &reports);
    parallel(alone, run, 1, &reports);
    reports.into_inner().expect("no worker panics while it keeps a report")
}

fn parallel(units: &[Unit], run: &Arc<Run>, workers: usize, reports: &Mutex<Vec<SpecReport>>) {
    let next = AtomicUsize::new(0);
    let work = |worker| {
        while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ended = run_unit(unit, run, worker);
            reports.lock().expect("no worker panics while it keeps a report").extend(ended);
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..workers.min(units.len()) {
            scope.spawn(move || work(worker));
        }
    });
}

/// Attempts at a spec so far.
struct SpecAttempts<'a> {
    spec: &'a Spec,
    endings: Vec<AttemptOutcome>,
    report: Option<SpecReport>,
}

fn run_unit(unit: &Unit, run: &Arc<Run>, worker: usize) -> Vec<SpecReport> {
    let course = |spec| SpecAttempts { spec, endings: Vec::new(), report: None };
    let mut courses: Vec<_> = unit.specs.iter().map(course).collect();
    let mut open: Vec<usize> = (0..courses.len()).collect();
    let mut turn = AttemptSlot { attempt: 1, worker };
    while !open.is_empty() {
        let specs: Arc<[Spec]> = open.iter().map(|index| courses[*index].spec.clone()).collect();
        attempt(&specs, run, turn, |index, ending| courses[open[index]].ends(ending, run, turn));
        open = to_try_again(&courses, run, turn);
        for course in courses.iter_mut().enumerate().filter(|(index, _)| !open.contains(index)) {
            course.1.close(run, worker);
        }
        turn.attempt += 1;
    }
    courses.into_iter().filter_map(|course| course.report).collect()
}

/// The specs whose last attempt failed and that have another one, and the others of their ordered groups.
fn to_try_again(courses: &[SpecAttempts<'_>], run: &Run, turn: AttemptSlot) -> Vec<usize> {
    if run.halted().is_some() {
        return Vec::new();
    }
    let open = || courses.iter().enumerate().filter(|(_, course)| course.report.is_none());
    let again = |course: &SpecAttempts<'_>| {
        course.endings.last().is_some_and(AttemptOutcome::failed) && turn.attempt < run.attempts(course.spec)
    };
    let trials: BTreeSet<_> =
        open().filter(|(_, course)| again(course)).map(|(_, course)| course.spec.trial()).collect();
    open().filter(|(_, course)| trials.contains(course.spec.trial())).map(|(index, _)| index).collect()
}

impl SpecAttempts<'_> {
    fn ends(&mut self, ending: AttemptOutcome, run: &Run, turn: AttemptSlot) {
        let failed = ending.failed();
        self.endings.push(ending);
        if failed {
            run.failed(self.spec, turn.attempt);
        }
        // A part of an ordered group may be run again although it passed.
        let last = turn.attempt >= run.attempts(self.spec);
        if last || (!failed && self.spec.ordered.is_none()) {
            self.close(run, turn.worker);
        }
    }

    fn close(&mut self, run: &Run, worker: usize) {
        if self.report.is_some() {
            return;
        }
        let tried: Vec<_> = self.endings.iter().filter(|ending| ending.left_out.is_none()).collect();
        let report = SpecReport {
            seconds: tried.iter().map(|ending| ending.took.as_secs_f64()).sum(),
            seed: (!tried.is_empty()).then_some(run.seed),
            worker: (!tried.is_empty()).then_some(worker),
            attempts: tried.iter().map(|ending| ending.attempt()).collect(),
            ..blank(self.spec, run.tier.name(), self.outcome())
        };
        run.reporters.spec_ended(&report);
        self.report = Some(report);
    }

    fn outcome(&self) -> Outcome {
        let last = self.endings.last().expect("a spec of a unit was tried or left out");
        let failed = self.endings.iter().rev().find(|ending| ending.failed());
        match (&last.left_out, failed) {
            (Some(reason), None) => Outcome::Skipped { reason: reason.clone() },
            (None, None) => Outcome::Passed,
            (None, Some(failed)) if !last.failed() => Outcome::Flaky { story: failed.story() },
            (_, Some(failed)) if failed.was_interrupted() => Outcome::Interrupted { story: failed.story() },
            (_, Some(failed)) => Outcome::Failed { story: failed.story() },
        }
    }
}

/// A spec's report without anything that comes of running it.
pub(crate) fn blank(spec: &Spec, tier: &str, outcome: Outcome) -> SpecReport {
    SpecReport {
        suite: suite_name(),
        name: spec.name.clone(),
        path: spec.path.clone(),
        labels: spec.labels.iter().cloned().collect(),
        tier: tier.to_owned(),
        outcome,
        ..SpecReport::default()
    }
}
