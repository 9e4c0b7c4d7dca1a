//! `report.json`: each spec's outcome, for programs that sum up several runs.
//!
//! Several processes may write into one folder (one test target after the other, or a process for each
//! spec under nextest): entries are merged under a file lock, a spec's newer outcome replaces its older
//! one. Whoever wants one run's figures empties the folder before it.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The file's content.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    skipped: usize,
    specs: Vec<Entry>,
}

/// One spec's outcome on one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The test target's name.
    suite: String,
    /// The spec's full name.
    name: String,
    tier: String,
    #[serde(flatten)]
    outcome: Outcome,
    /// The machine's time from the spec's start to the end of its clean-up.
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    seed: Option<u64>,
}

/// How a spec ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed { story: String },
    Skipped { reason: String },
}

impl Entry {
    pub(crate) fn new(name: &str, tier: &str, outcome: Outcome, took: Duration, seed: u64) -> Self {
        let (suite, seconds) = (suite_name(), took.as_secs_f64());
        Self { suite, name: name.into(), tier: tier.into(), outcome, seconds, seed: Some(seed) }
    }

    pub(crate) fn skipped(name: &str, tier: &str, reason: &str) -> Self {
        let outcome = Outcome::Skipped { reason: reason.into() };
        Self { suite: suite_name(), name: name.into(), tier: tier.into(), outcome, seconds: 0.0, seed: None }
    }

    fn same_spec(&self, other: &Self) -> bool {
        (&self.suite, &self.name, &self.tier) == (&other.suite, &other.name, &other.tier)
    }
}

impl Report {
    /// Adds entries to the report of a folder, which is made if it is not there.
    pub(crate) fn merge_into(folder: &Path, entries: Vec<Entry>) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("report.lock"))?;
        lock.lock()?;
        let path = folder.join("report.json");
        let mut report = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error),
        };
        report.merge(entries);
        // Written beside and renamed: a reader never sees half of it.
        let unfinished = folder.join("report.json.unfinished");
        fs::write(&unfinished, serde_json::to_vec_pretty(&report)?)?;
        fs::rename(unfinished, path)
    }

    fn merge(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.specs.retain(|old| !old.same_spec(&entry));
            self.specs.push(entry);
        }
        let count = |is: fn(&Outcome) -> bool| self.specs.iter().filter(|entry| is(&entry.outcome)).count();
        self.passed = count(|outcome| matches!(outcome, Outcome::Passed));
        self.failed = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        self.skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
    }
}

/// The test target's name: its program's file name without the hash that cargo appends.
fn suite_name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    without_hash(&stem.unwrap_or_else(|| "specs".into())).to_owned()
}

fn without_hash(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(name: &str) -> Entry {
        Entry::new(name, "fake", Outcome::Passed, Duration::from_millis(1500), 7)
    }

    fn read(folder: &Path) -> Report {
        serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap()
    }

    #[test]
    fn several_runs_add_up_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let deeper = folder.path().join("not/there/yet");
        Report::merge_into(&deeper, vec![passed("a"), Entry::skipped("b", "fake", "needs kubelet")]).unwrap();
        let failed = Entry::new("c", "fake", Outcome::Failed { story: "no".into() }, Duration::ZERO, 7);
        Report::merge_into(&deeper, vec![failed]).unwrap();
        let report = read(&deeper);
        assert_eq!((report.passed, report.failed, report.skipped), (1, 1, 1));
    }

    #[test]
    fn a_spec_s_newer_outcome_replaces_the_older_one_of_the_same_tier_only() {
        let folder = tempfile::tempdir().unwrap();
        let failed = Entry::new("a", "fake", Outcome::Failed { story: "no".into() }, Duration::ZERO, 7);
        Report::merge_into(folder.path(), vec![failed, Entry::skipped("a", "envtest", "needs kubelet")])
            .unwrap();
        Report::merge_into(folder.path(), vec![passed("a")]).unwrap();
        let report = read(folder.path());
        assert_eq!((report.passed, report.failed, report.skipped), (1, 0, 1));
    }

    #[test]
    fn a_report_that_is_no_report_is_an_error_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("report.json"), "not json").unwrap();
        assert!(Report::merge_into(folder.path(), vec![passed("a")]).is_err());
        assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), "not json");
    }

    #[test]
    fn cargo_s_hash_is_no_part_of_a_suite_s_name() {
        assert_eq!(without_hash("specs-0123456789abcdef"), "specs");
        assert_eq!(without_hash("machine-specs"), "machine-specs");
    }
}
