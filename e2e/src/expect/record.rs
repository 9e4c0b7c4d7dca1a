//! What a wait has seen: the last value, every change with its time, the last trouble.
//!
//! It is told when the wait fails, and when a spec runs out of time in the middle of it.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::expect::Mismatch;
use crate::expect::difference::{changes, seconds, yaml};
use crate::spec::Waiting;

/// So many changes are told from the beginning, and so many up to the end; those between are counted.
const TOLD: (usize, usize) = (10, 40);

/// One wait's record.
pub(crate) struct Record {
    expected: String,
    start: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    looked: bool,
    last: Option<Value>,
    mismatch: Option<Mismatch>,
    trouble: Option<(Duration, String)>,
    first: Vec<(Duration, String)>,
    latest: std::collections::VecDeque<(Duration, String)>,
    left_out: usize,
}

impl Record {
    /// A wait for something, within a limit: `Machine a should exist within`, 30 s.
    pub(crate) fn new(expected: &str, limit: Duration) -> Arc<Self> {
        let expected = format!("{expected} {}", seconds(limit));
        Arc::new(Self { expected, start: Instant::now(), seen: Mutex::default() })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while a wait is recorded")
    }

    /// The value now; `None` is absent.
    pub(crate) fn saw(&self, value: Option<Value>) {
        let mut seen = self.seen();
        if let Some(text) = transition(seen.looked, seen.last.as_ref(), value.as_ref()) {
            seen.tell(self.start.elapsed(), text);
        }
        seen.looked = true;
        seen.last = value;
    }

    pub(crate) fn mismatched(&self, mismatch: Mismatch) {
        self.seen().mismatch = Some(mismatch);
    }

    pub(crate) fn trouble(&self, error: String) {
        self.seen().trouble = Some((self.start.elapsed(), error));
    }

    /// Everything, for a person.
    pub(crate) fn story(&self) -> String {
        let seen = self.seen();
        let mut story = self.expected.clone();
        match &seen.mismatch {
            Some(mismatch) => push(&mut story, "last seen", &mismatch.told()),
            None if seen.looked => {}
            None => push(&mut story, "last seen", "nothing: it could not be looked at"),
        }
        if !seen.first.is_empty() {
            push(&mut story, "transitions", &seen.transitions(self.start.elapsed()));
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

impl Waiting for Record {
    fn so_far(&self) -> String {
        self.story()
    }
}

impl Seen {
    fn tell(&mut self, at: Duration, text: String) {
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
        let count = self.first.len() + self.left_out + self.latest.len();
        let mut text = format!("{count} in {}", seconds(elapsed));
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

/// What happened between two looks, or nothing.
fn transition(looked: bool, before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    match (before, after) {
        (None, None) if looked => None,
        (None, None) => Some("not there".into()),
        (None, Some(value)) if !looked => Some(format!("first seen{}", revision(value))),
        (None, Some(value)) => Some(format!("appeared{}", revision(value))),
        (Some(_), None) => Some("gone".into()),
        (Some(before), Some(after)) => {
            let all = changes(before, after);
            let told: Vec<_> =
                all.iter().filter(|change| !change.contains("metadata.resourceVersion: ")).collect();
            match (all.is_empty(), told.as_slice()) {
                (true, _) => None,
                (false, []) => Some(format!("written without a change{}", revision(after))),
                (false, told) => {
                    Some(told.iter().map(|change| change.as_str()).collect::<Vec<_>>().join("\n"))
                }
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

    fn record() -> Arc<Record> {
        Record::new("Machine demo/a should be Ready within", Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn the_story_has_the_expectation_the_reason_the_changes_and_the_last_value() {
        let record = record();
        record.saw(None);
        tokio::time::advance(Duration::from_millis(102)).await;
        record.saw(Some(json!({"metadata": {"resourceVersion": "5"}, "status": {"phase": "Pending"}})));
        tokio::time::advance(Duration::from_secs(2)).await;
        record.saw(Some(json!({"metadata": {"resourceVersion": "6"}, "status": {"phase": "Creating"}})));
        record.saw(Some(json!({"metadata": {"resourceVersion": "7"}, "status": {"phase": "Creating"}})));
        record.trouble("500 InternalError: no".into());
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
    async fn a_wait_that_never_saw_anything_says_so() {
        let record = record();
        record.trouble("connection refused".into());
        assert!(
            record.story().contains("last seen: nothing: it could not be looked at"),
            "{}",
            record.story()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_changes_are_told_by_their_beginning_and_their_end() {
        let record = record();
        for n in 0..1000 {
            record.saw(Some(json!({"n": n})));
        }
        let story = record.story();
        assert!(story.contains("transitions: 1000 in 0s"), "{story}");
        assert!(story.contains("(950 more before this are left out)"), "{story}");
        assert!(story.contains("n: 998 → 999") && story.contains("n: 0 → 1"), "{story}");
        assert!(story.lines().count() < 70, "{story}");
    }
}
