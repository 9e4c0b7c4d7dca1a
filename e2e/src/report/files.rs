//! The reporter that writes files at the end of the run.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::report::folder;
use crate::report::model::{MomentKind, SpecReport};
use crate::report::reporter::Reporter;

/// Writes into one folder, beside what other runs have left there.
pub(crate) struct FileReporter {
    folder: PathBuf,
    specs: Mutex<Vec<SpecReport>>,
}

impl FileReporter {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, specs: Mutex::default() }
    }
}

impl Reporter for FileReporter {
    fn spec_ended(&self, spec: &SpecReport) {
        self.specs.lock().expect("nobody panics while an entry is kept").push(trimmed(spec.clone()));
    }

    fn run_ended(&self) -> io::Result<()> {
        let specs = std::mem::take(&mut *self.specs.lock().expect("nobody panics while an entry is kept"));
        folder::merge_into(&self.folder, specs).map_err(|error| {
            let place = self.folder.display();
            io::Error::new(error.kind(), format!("the report in {place} cannot be written: {error}"))
        })
    }
}

/// Details of moments explain a failure; of a passed attempt the moments themselves are enough.
fn trimmed(mut spec: SpecReport) -> SpecReport {
    for attempt in spec.attempts.iter_mut().filter(|attempt| attempt.failures.is_empty()) {
        for moment in attempt.timeline.iter_mut().filter(|moment| moment.kind == MomentKind::Watch) {
            moment.detail.clear();
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{Attempt, FailureReport, Moment};

    fn attempt(failures: Vec<FailureReport>) -> Attempt {
        let moment = |kind| Moment { kind, detail: "long".into(), ..Moment::default() };
        let timeline = vec![moment(MomentKind::Watch), moment(MomentKind::Hook)];
        Attempt { failures, timeline, ..Attempt::default() }
    }

    #[test]
    fn object_details_are_kept_only_for_failed_attempts() {
        let attempts = vec![attempt(vec![FailureReport::default()]), attempt(Vec::new())];
        let spec = trimmed(SpecReport { attempts, ..SpecReport::default() });
        let details =
            |index: usize| spec.attempts[index].timeline.iter().map(|moment| moment.detail.as_str());
        assert_eq!(details(0).collect::<Vec<_>>(), ["long", "long"]);
        assert_eq!(details(1).collect::<Vec<_>>(), ["", "long"]);
    }
}
