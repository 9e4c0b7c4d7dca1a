//! The reporter that leaves files: it keeps what it is told, and writes when the run is over.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::report::json;
use crate::report::model::SpecReport;
use crate::report::reporter::Reporter;

/// Writes into one folder, beside what other runs have left there.
pub(crate) struct Files {
    folder: PathBuf,
    specs: Mutex<Vec<SpecReport>>,
}

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, specs: Mutex::default() }
    }
}

impl Reporter for Files {
    fn spec_ended(&self, spec: &SpecReport) {
        self.specs.lock().expect("nobody panics while an entry is kept").push(spec.clone());
    }

    fn run_ended(&self) -> io::Result<()> {
        let specs = std::mem::take(&mut *self.specs.lock().expect("nobody panics while an entry is kept"));
        json::merge_into(&self.folder, specs).map_err(|error| {
            let folder = self.folder.display();
            io::Error::new(error.kind(), format!("the report in {folder} cannot be written: {error}"))
        })
    }
}
