//! The model of a finished run: the content of `report.json`, from which every other form is made.
//!
//! Plain data that can be read back. It knows neither how a spec runs nor how a report looks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The outcomes of one or several runs that wrote into one folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Number of specs that passed at the first attempt.
    pub passed: usize,
    /// Number of specs that failed.
    pub failed: usize,
    /// Number of specs that ran when the run was ended.
    #[serde(default)]
    pub interrupted: usize,
    /// Number of specs that failed at first and passed in a retry.
    #[serde(default)]
    pub flaky: usize,
    /// Number of specs that could not run on their tier, or were not reached.
    pub skipped: usize,
    /// Number of pending specs.
    #[serde(default)]
    pub pending: usize,
    /// One entry for each spec and tier.
    pub specs: Vec<SpecReport>,
}

/// One spec's outcome on one tier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpecReport {
    /// The test target's name.
    pub suite: String,
    /// The full name: the path, joined by ` / `.
    pub name: String,
    /// The names from the outermost group to the spec.
    #[serde(default)]
    pub path: Vec<String>,
    /// Labels, those of its groups included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The tier.
    pub tier: String,
    /// Outcome; its fields are inlined.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The machine's time from the first attempt's start to the end of the last one's clean-up.
    pub seconds: f64,
    /// The run's seed. Missing where the spec did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Number of the worker that ran it, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<usize>,
    /// The times it was tried, in their order: none for a spec that was left out, several for one that was tried
    /// again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// Outcome of a spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// At the first attempt.
    #[default]
    Passed,
    /// At every attempt.
    Failed {
        /// Message for people: the last attempt's failures and steps.
        story: String,
    },
    /// The run was ended while it ran.
    Interrupted {
        /// Message for people: the interrupted operation, and failed clean-ups.
        story: String,
    },
    /// It failed and passed when it was tried again.
    Flaky {
        /// Message for people: the last failed attempt's failures and steps.
        story: String,
    },
    /// It was left out.
    Skipped {
        /// Why: `needs kubelet`.
        reason: String,
    },
    /// It is written down and not yet meant to run.
    Pending {
        /// Why, if its author said so.
        #[serde(default)]
        reason: String,
    },
}

/// One time that a spec was tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, by the machine's clock: the one clock that all specs of a run share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it began, by its cluster's clock, which is another one where time is virtual. What [`Moment::at`] and the
    /// artefacts' times count from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_started: Option<Timestamp>,
    /// The machine's time that it took, clean-up included.
    pub seconds: f64,
    /// Failures, the first of which is the cause. Empty if it passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureReport>,
    /// Timeline, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Moment>,
    /// Evidence, if it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artefacts: Vec<Artefact>,
    /// Evidence that is missing, with reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncollected: Vec<String>,
}

/// One reason why an attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FailureReport {
    /// One sentence, or several lines where nothing below is told apart.
    pub message: String,
    /// Place in the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourceLocation>,
    /// The expectation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The last value that was seen, as YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_value: Option<String>,
    /// Lines that begin with `-` (expected), `+` (seen) or a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// Changes of the value during the wait, with times from the attempt's start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    /// The last error that the API server gave while it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_api_error: Option<Transition>,
}

/// A line of a spec file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLocation {
    /// As the compiler was given it: relative to the workspace.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1.
    pub column: u32,
}

/// Something with its time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Seconds since the attempt's start, by the cluster's clock.
    pub at: f64,
    /// The change.
    pub text: String,
}

/// One entry of a timeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds since the attempt's start, by the cluster's clock.
    pub at: f64,
    /// Duration in seconds, for a moment with an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<f64>,
    /// Kind of the moment.
    pub kind: MomentKind,
    /// One line.
    pub text: String,
    /// More lines, if there are any: a difference, a story.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// True if it is part of why the attempt failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// The object that changed, for [`MomentKind::Watch`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectChange>,
}

/// Kind of a [`Moment`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MomentKind {
    /// A hook, from its begin to its end.
    Hook,
    /// A step of the spec.
    #[default]
    Step,
    /// A check or a wait, from its begin to its end.
    Expectation,
    /// A change that a wait saw.
    Transition,
    /// An object of the namespace changed.
    Watch,
    /// A Kubernetes Event.
    Event,
    /// A line that a Pod or the operator in this process logged.
    Log,
    /// A fault that was brought about or undone.
    Fault,
    /// Something that was undone at the end.
    CleanUp,
    /// Something that was collected.
    Artefact,
    /// The attempt failed.
    Failure,
}

/// Change of an object in the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectChange {
    /// `Machine.fleet.seatrial.dev`; without a dot for the core group.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// Type of the change.
    pub change: Change,
    /// The `resourceVersion` that the object has now.
    pub revision: String,
}

/// The types of watch events that stand for a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new, or was there when the watch began.
    #[default]
    Added,
    /// It was written.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file that was collected when an attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Sort of evidence: `events`, `objects`, `Pod logs`.
    pub title: String,
    /// Path relative to the report's folder, separated by `/`.
    pub path: String,
    /// The file's size in bytes.
    pub bytes: u64,
}

impl Outcome {
    /// The word that stands for it in every form of the report.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
            Self::Flaky { .. } => "flaky",
            Self::Skipped { .. } => "skipped",
            Self::Pending { .. } => "pending",
        }
    }
}

impl Report {
    /// Takes entries in; a spec's newer outcome replaces its older one of the same tier.
    pub fn merge(&mut self, specs: impl IntoIterator<Item = SpecReport>) {
        for spec in specs {
            self.specs.retain(|old| !old.same_spec(&spec));
            self.specs.push(spec);
        }
        let count = |word: &str| self.specs.iter().filter(|spec| spec.outcome.word() == word).count();
        (self.passed, self.failed, self.flaky) = (count("passed"), count("failed"), count("flaky"));
        (self.skipped, self.pending) = (count("skipped"), count("pending"));
        self.interrupted = count("interrupted");
    }
}

impl SpecReport {
    fn same_spec(&self, other: &Self) -> bool {
        (&self.suite, &self.name, &self.tier) == (&other.suite, &other.name, &other.tier)
    }
}

/// A span as the model has it: seconds, to the millisecond.
pub(crate) fn seconds(span: std::time::Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_s_fields_stand_beside_the_spec_s_own() {
        let outcome = Outcome::Skipped { reason: "needs kubelet".into() };
        let spec = SpecReport { name: "a".into(), outcome, ..SpecReport::default() };
        let json = serde_json::to_value(&spec).unwrap();
        assert_eq!((&json["outcome"], &json["reason"]), (&"skipped".into(), &"needs kubelet".into()));
        assert_eq!(serde_json::from_value::<SpecReport>(json).unwrap(), spec);
    }

    #[test]
    fn a_report_of_an_earlier_version_can_still_be_read() {
        let text = r#"{"passed": 1, "failed": 0, "skipped": 0, "specs": [
            {"suite": "specs", "name": "a", "tier": "fake", "outcome": "passed", "seconds": 0.5, "seed": 7}]}"#;
        let mut report: Report = serde_json::from_str(text).unwrap();
        report.merge([]);
        assert_eq!((report.passed, report.flaky, report.specs[0].seed), (1, 0, Some(7)));
    }

    #[test]
    fn every_outcome_is_counted_once() {
        let story = || "no".to_owned();
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed { story: story() },
            Outcome::Interrupted { story: story() },
            Outcome::Flaky { story: story() },
            Outcome::Skipped { reason: story() },
            Outcome::Pending { reason: String::new() },
        ];
        let specs = outcomes.into_iter().enumerate().map(|(n, outcome)| SpecReport {
            name: n.to_string(),
            outcome,
            ..SpecReport::default()
        });
        let mut report = Report::default();
        report.merge(specs);
        let done = [report.passed, report.failed, report.interrupted, report.flaky];
        assert_eq!((done, report.skipped, report.pending), ([1; 4], 1, 1));
    }
}
