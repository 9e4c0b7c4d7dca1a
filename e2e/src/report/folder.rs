//! The report's folder: `report.json`, and the other files made from it.
//!
//! Several processes may write into one folder (one test target after the other, or a process for each
//! spec under nextest): entries are merged under a file lock, a spec's newer outcome replaces its older
//! one. Whoever wants one run's figures empties the folder before it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::report::model::{Report, SpecReport};
use crate::report::{html, junit};

/// Adds entries to the report of a folder, which is made if it is not there, and writes its files anew.
pub(crate) fn merge_into(folder: &Path, specs: Vec<SpecReport>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("report.lock"))?;
    lock.lock()?;
    let path = folder.join("report.json");
    let mut report: Report = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Report::default(),
        Err(error) => return Err(error),
    };
    report.merge(specs);
    write(&path, &serde_json::to_vec_pretty(&report)?)?;
    write(&folder.join("junit.xml"), junit::xml(&report).map_err(io::Error::other)?.as_bytes())?;
    write(&folder.join("report.html"), html::page(&report, folder)?.as_bytes())
}

/// Written beside and renamed: a reader never sees half of it.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    fs::write(&unfinished, content)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Outcome;

    fn spec(name: &str, tier: &str, outcome: Outcome) -> SpecReport {
        SpecReport { name: name.into(), tier: tier.into(), outcome, ..SpecReport::default() }
    }

    fn failed() -> Outcome {
        Outcome::Failed { story: "no".into() }
    }

    fn skipped() -> Outcome {
        Outcome::Skipped { reason: "needs kubelet".into() }
    }

    fn read(folder: &Path) -> Report {
        serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
    }

    #[test]
    fn several_runs_add_up_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let deeper = folder.path().join("not/there/yet");
        merge_into(&deeper, vec![spec("a", "fake", Outcome::Passed), spec("b", "fake", skipped())]).unwrap();
        merge_into(&deeper, vec![spec("c", "fake", failed())]).unwrap();
        let report = read(&deeper);
        assert_eq!((report.passed, report.failed, report.skipped), (1, 1, 1));
    }

    #[test]
    fn a_spec_s_newer_outcome_replaces_the_older_one_of_the_same_tier_only() {
        let folder = tempfile::tempdir().unwrap();
        merge_into(folder.path(), vec![spec("a", "fake", failed()), spec("a", "envtest", skipped())])
            .unwrap();
        merge_into(folder.path(), vec![spec("a", "fake", Outcome::Passed)]).unwrap();
        let report = read(folder.path());
        assert_eq!((report.passed, report.failed, report.skipped), (1, 0, 1));
    }

    #[test]
    fn a_folder_has_the_report_in_each_of_its_forms() {
        let folder = tempfile::tempdir().unwrap();
        merge_into(folder.path(), vec![spec("a", "fake", failed())]).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(read("junit.xml").contains("<testcase name=\"a\""), "{}", read("junit.xml"));
        assert!(read("report.html").contains("<title>Seatrial report</title>"));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            4,
            "three forms and a lock, and nothing unfinished"
        );
    }

    #[test]
    fn a_report_that_is_no_report_is_an_error_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("report.json"), "not json").unwrap();
        assert!(merge_into(folder.path(), vec![spec("a", "fake", Outcome::Passed)]).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), "not json");
    }
}
