//! History of a wait: the last value, each change with its time, and the last error.
//!
//! It is told when the wait fails, and when a spec runs out of time in the middle of it.

use std::fmt::Write as _;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::attempt_log::{AttemptLog, PendingWait};
use crate::display::{changes, seconds, yaml};
use crate::expect::Mismatch;
use crate::failure::{Failure, place_of};
use crate::report::{FailureReport, MomentKind, Transition};

/// Changes shown of the beginning and of the end of a wait; those between are counted.
const TOLD: (usize, usize) = (10, 40);

/// Most changes of a wait on the spec's timeline.
const TIMELINE: usize = 200;

/// Text for a change of fields that are not shown.
const UNCHANGED: &str = "written without a change";

/// Text for a value that was never seen.
const NOTHING: &str = "nothing: it could not be looked at";

/// One wait's record.
pub(crate) struct WaitRecord {
    expected: String,
    start: Instant,
    /// The spec's time at the start.
    offset: Duration,
    attempt_log: Arc<AttemptLog>,
    seen: Mutex<WaitHistory>,
}

#[derive(Default)]
struct WaitHistory {
    /// When something was noted last.
    at: Duration,
    looked: bool,
    /// At how many looks in a row it was right, of how many it must be.
    held: Option<(u32, u32)>,
    last: Option<Value>,
    /// Fingerprint of a Secret's content, which is masked.
    secret: Option<u64>,
    mismatch: Option<Mismatch>,
    trouble: Option<(Duration, String)>,
    first: Vec<(Duration, String)>,
    latest: std::collections::VecDeque<(Duration, String)>,
    left_out: usize,
}

impl WaitRecord {
    /// A wait for something, with its limit: `Machine a should exist`, ` within 30s`.
    pub(crate) fn new(expected: &str, limit: &str, attempt_log: &Arc<AttemptLog>) -> Arc<Self> {
        attempt_log.redactor().add_expectation(expected);
        let (expected, offset) = (format!("{expected}{limit}"), attempt_log.elapsed());
        let (start, attempt_log, seen) = (Instant::now(), Arc::clone(attempt_log), Mutex::default());
        Arc::new(Self { expected, start, offset, attempt_log, seen })
    }

    /// Since the wait began. Another thread than the spec's own does not know its time, only what was noted last.
    pub(crate) fn elapsed(&self) -> Duration {
        match tokio::runtime::Handle::try_current() {
            Ok(_) => self.start.elapsed(),
            Err(_) => self.seen().at,
        }
    }

    fn seen(&self) -> MutexGuard<'_, WaitHistory> {
        self.seen.lock().expect("nobody panics while a wait is recorded")
    }

    /// The value now; `None` is absent.
    pub(crate) fn observed(&self, mut value: Option<Value>) {
        let secret = value.as_mut().and_then(|value| self.attempt_log.redactor().mask(value));
        let mut seen = self.seen();
        seen.at = self.start.elapsed();
        if let Some(mut text) = transition(seen.looked, seen.last.as_ref(), value.as_ref()) {
            if text.starts_with(UNCHANGED) && secret != seen.secret {
                "a masked value changed".clone_into(&mut text);
            }
            if seen.count() < TIMELINE {
                self.attempt_log.record(MomentKind::Transition, &text);
            }
            seen.push_change(text);
        }
        seen.looked = true;
        (seen.last, seen.secret) = (value, secret);
    }

    pub(crate) fn mismatched(&self, mismatch: Mismatch) {
        let mut seen = self.seen();
        (seen.mismatch, seen.held) = (Some(mismatch), None);
    }

    /// Records a match, with the number of matches in a row and of those required.
    pub(crate) fn held(&self, times: u32, of: u32) {
        self.seen().held = Some((times, of));
    }

    pub(crate) fn error(&self, error: String) {
        let mut seen = self.seen();
        seen.at = self.start.elapsed();
        seen.trouble = Some((seen.at, error));
    }

    /// Everything as a failure, with what went wrong if it was not that time ran out.
    pub(crate) fn failure(&self, wrong: Option<&str>, place: &'static Location<'static>) -> Failure {
        let wrong = wrong.map(|wrong| format!("{wrong}: ")).unwrap_or_default();
        let told = format!("{wrong}{}", self.story());
        let seen = self.seen();
        let at = |at: Duration| seconds_of(self.offset + at);
        let transition = |(time, text): &(Duration, String)| Transition { at: at(*time), text: text.clone() };
        let why = seen.why().map(|why| format!(": {why}")).unwrap_or_default();
        let report = FailureReport {
            message: format!("{wrong}{}{why}", self.expected),
            expected: Some(self.expected.clone()),
            last_value: seen.last.as_ref().map(yaml),
            difference: seen.mismatch.as_ref().and_then(Mismatch::difference).map(str::to_owned),
            transitions: seen.first.iter().chain(&seen.latest).map(transition).collect(),
            last_api_error: seen.trouble.as_ref().map(transition),
            ..FailureReport::default()
        };
        Failure::with_description(report, told).placed(place_of(place))
    }

    /// Everything, for a person.
    pub(crate) fn story(&self) -> String {
        let elapsed = self.elapsed();
        let seen = self.seen();
        let mut story = self.expected.clone();
        match (&seen.mismatch, seen.held) {
            (_, Some((times, of))) => {
                let _ = write!(story, "\n  it held at {times} of {of} looks");
            }
            (Some(mismatch), None) => push(&mut story, "last seen", &mismatch.describe()),
            (None, None) if seen.looked => {}
            (None, None) => push(&mut story, "last seen", NOTHING),
        }
        if !seen.first.is_empty() {
            push(&mut story, "transitions", &seen.transitions(elapsed));
        }
        if let Some((at, error)) = &seen.trouble {
            push(&mut story, "last API error", &format!("{} at {}", error, seconds(*at)));
        }
        if let Some(last) = &seen.last {
            push(&mut story, "last value", &yaml(last));
        }
        story
    }
}

impl PendingWait for WaitRecord {
    fn describe(&self) -> String {
        self.story()
    }
}

impl WaitHistory {
    /// The last sight in short.
    fn why(&self) -> Option<&str> {
        let mismatch = self.mismatch.as_ref().filter(|_| self.held.is_none());
        mismatch.map(Mismatch::why).or((!self.looked).then_some(NOTHING))
    }

    fn count(&self) -> usize {
        self.first.len() + self.left_out + self.latest.len()
    }

    fn push_change(&mut self, text: String) {
        let at = self.at;
        if self.first.len() < TOLD.0 {
            self.first.push((at, text));
            return;
        }
        self.latest.push_back((at, text));
        if self.latest.len() > TOLD.1 {
            self.latest.pop_front();
            self.left_out += 1;
        }
    }

    fn transitions(&self, elapsed: Duration) -> String {
        let mut text = format!("{} in {}", self.count(), seconds(elapsed));
        let mut add = |(at, what): &(Duration, String)| {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{:>8.3}s  {}", at.as_secs_f64(), what.replace('\n', "\n           "));
        };
        self.first.iter().for_each(&mut add);
        self.latest.iter().take(usize::from(self.left_out > 0)).for_each(|(at, _)| {
            add(&(*at, format!("({} more before this are left out)", self.left_out)));
        });
        self.latest.iter().for_each(&mut add);
        text
    }
}

/// To the millisecond, as reports have it.
fn seconds_of(span: Duration) -> f64 {
    (span.as_secs_f64() * 1000.0).round() / 1000.0
}

/// Changes between two updates; empty without changes.
fn transition(looked: bool, before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    match (before, after) {
        (None, None) if looked => None,
        (None, None) => Some("not there".into()),
        (None, Some(value)) if !looked => Some(format!("first seen{}", revision(value))),
        (None, Some(value)) => Some(format!("appeared{}", revision(value))),
        (Some(_), None) => Some("gone".into()),
        (Some(before), Some(after)) => {
            let all = changes(before, after);
            let told: Vec<_> = all
                .iter()
                .filter(|change| !change.path.ends_with("metadata.resourceVersion"))
                .map(ToString::to_string)
                .collect();
            match (all.is_empty(), told.is_empty()) {
                (true, _) => None,
                (false, true) => Some(format!("{UNCHANGED}{}", revision(after))),
                (false, false) => Some(told.join("\n")),
            }
        }
    }
}

fn revision(value: &Value) -> String {
    let revision = value.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    revision.map(|revision| format!(", resourceVersion {revision}")).unwrap_or_default()
}

/// Adds a paragraph: on its heading's line when it is one line, indented below it otherwise.
fn push(story: &mut String, heading: &str, text: &str) {
    let text = text.trim_end();
    let _ = match text.split_once('\n') {
        None => write!(story, "\n  {heading}: {text}"),
        Some((first, rest)) if heading != "last value" => {
            write!(story, "\n  {heading}: {first}\n    {}", rest.replace('\n', "\n    "))
        }
        Some(_) => write!(story, "\n  {heading}:\n    {}", text.replace('\n', "\n    ")),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Arc<WaitRecord> {
        WaitRecord::new("Machine demo/a should be Ready", " within 30s", &AttemptLog::new())
    }

    #[tokio::test(start_paused = true)]
    async fn failure_message_has_expectation_reason_changes_and_last_value() {
        let record = record();
        record.observed(None);
        tokio::time::advance(Duration::from_millis(102)).await;
        record.observed(Some(json!({"metadata": {"resourceVersion": "5"}, "status": {"phase": "Pending"}})));
        tokio::time::advance(Duration::from_secs(2)).await;
        record.observed(Some(json!({"metadata": {"resourceVersion": "6"}, "status": {"phase": "Creating"}})));
        record.observed(Some(json!({"metadata": {"resourceVersion": "7"}, "status": {"phase": "Creating"}})));
        record.error("500 InternalError: no".into());
        record.mismatched(
            Mismatch::new("phase is Creating")
                .with_difference(&json!({"phase": "Ready"}), &json!({"phase": "Creating"})),
        );
        let expected = "\
Machine demo/a should be Ready within 30s
  last seen: phase is Creating
    difference (- expected, + seen):
    -phase: Ready
    +phase: Creating
  transitions: 4 in 2.102s
       0.000s  not there
       0.102s  appeared, resourceVersion 5
       2.102s  status.phase: \"Pending\" → \"Creating\"
       2.102s  written without a change, resourceVersion 7
  last API error: 500 InternalError: no at 2.102s
  last value:
    metadata:
      resourceVersion: \"7\"
    status:
      phase: Creating";
        assert_eq!(record.story(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_s_values_are_reported_to_change_and_not_shown() {
        let record = record();
        for (revision, value) in [("5", "aHVudGVyMg=="), ("6", "aHVudGVyMw=="), ("7", "aHVudGVyMw==")] {
            let meta = json!({"resourceVersion": revision});
            record.observed(Some(json!({"kind": "Secret", "metadata": meta, "data": {"password": value}})));
        }
        let story = record.story();
        assert!(
            story.contains("a masked value changed\n") && story.contains("written without a change"),
            "{story}"
        );
        assert!(story.contains("password: (masked, 7 bytes)") && !story.contains("aHVudGVyM"), "{story}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_reported_with_its_manager_and_managed_fields_are_not_shown() {
        let record = record();
        for (revision, manager) in [("5", "mate"), ("6", "bosun")] {
            let entry =
                json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {"f:key": {}}}});
            let meta = json!({"name": "a", "resourceVersion": revision, "managedFields": [entry]});
            record.observed(Some(json!({"a": {"metadata": meta, "data": {"key": manager}}})));
        }
        let story = record.story();
        assert!(story.contains("a.data.key: \"mate\" → \"bosun\" (by bosun, Apply)\n"), "{story}");
        assert!(!story.contains("managedFields") && story.contains("transitions: 2 in"), "{story}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_never_saw_anything_says_so() {
        let record = record();
        record.error("connection refused".into());
        assert!(
            record.story().contains("last seen: nothing: it could not be looked at"),
            "{}",
            record.story()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_changes_are_reported_by_their_beginning_and_their_end() {
        let record = record();
        for n in 0..1000 {
            record.observed(Some(json!({"n": n})));
        }
        let story = record.story();
        assert!(story.contains("transitions: 1000 in 0s"), "{story}");
        assert!(story.contains("(950 more before this are left out)"), "{story}");
        assert!(story.contains("n: 998 → 999") && story.contains("n: 0 → 1"), "{story}");
        assert!(story.lines().count() < 70, "{story}");
    }
}
