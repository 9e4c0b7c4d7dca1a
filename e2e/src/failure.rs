//! Failures of specs: a message, and the place in the spec.
//!
//! Any error becomes a [`Failure`] through `?`, which keeps the place of the `?`. It knows how an API
//! server's Status reads best; it does not know who asked or what is printed around it.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use crate::managed_fields::{conflicts, describe_conflicts};
use crate::redaction::Redactor;
use crate::report::{FailureReport, SourceLocation};

/// Result of hooks, specs and clean-ups.
pub type SpecResult<T = ()> = Result<T, Failure>;

/// Failure of a spec: message and place.
///
/// It deliberately is no [`std::error::Error`], so that every error converts into it with `?`.
#[derive(Clone)]
pub struct Failure {
    /// The reason and the place, and what an expectation knows, part by part.
    report: Box<FailureReport>,
    /// Operations that failed, outermost first.
    during: String,
    /// Text for people in place of the message.
    description: Option<String>,
    /// Text after the place: a panic's frames.
    trace: String,
    /// True if nothing went wrong: the run was ended while this went on.
    interruption: bool,
}

impl Failure {
    /// A failure with a message of its own: `return Err(Failure::new("the pool has no owner"))`.
    #[track_caller]
    pub fn new(message: impl Into<String>) -> Self {
        Self::at(message, Location::caller())
    }

    pub(crate) fn at(message: impl Into<String>, place: &'static Location<'static>) -> Self {
        Self::nowhere(message).placed(place_of(place))
    }

    pub(crate) fn nowhere(message: impl Into<String>) -> Self {
        let report = FailureReport { message: message.into(), ..FailureReport::default() };
        Self {
            report: Box::new(report),
            during: String::new(),
            description: None,
            trace: String::new(),
            interruption: false,
        }
    }

    /// A failure with a report for programs and a description for people.
    pub(crate) fn with_description(report: FailureReport, description: String) -> Self {
        Self { report: Box::new(report), description: Some(description), ..Self::nowhere("") }
    }

    pub(crate) fn placed(mut self, place: SourceLocation) -> Self {
        self.report.place = Some(place);
        self
    }

    pub(crate) fn traced(mut self, trace: String) -> Self {
        self.trace = trace;
        self
    }

    /// The same as what came of the run's end, and of nothing that is wrong.
    pub(crate) fn into_interruption(mut self) -> Self {
        self.interruption = true;
        self
    }

    pub(crate) fn is_interruption(&self) -> bool {
        self.interruption
    }

    /// The same without the values of Secrets that are known.
    pub(crate) fn redacted(self, redactor: &Redactor) -> Self {
        Self {
            report: redactor.redact_all(self.report),
            during: redactor.redact_all(self.during),
            description: redactor.redact_all(self.description),
            trace: redactor.redact_all(self.trace),
            interruption: self.interruption,
        }
    }

    /// Puts what was being done in front of the reason: `starting the operator: …`.
    #[must_use]
    pub fn during(mut self, what: &str) -> Self {
        self.report.message = format!("{what}: {}", self.report.message);
        self.during = format!("{what}: {}", self.during);
        self
    }

    /// The reason in short, without the place.
    pub fn message(&self) -> &str {
        &self.report.message
    }

    /// The same for reports.
    pub(crate) fn report(&self) -> FailureReport {
        let mut report = (*self.report).clone();
        report.message.push_str(&self.trace);
        report
    }
}

/// A place in a source file, as reports have it.
pub(crate) fn place_of(location: &Location<'_>) -> SourceLocation {
    SourceLocation { file: location.file().to_owned(), line: location.line(), column: location.column() }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::new(sentence(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.description {
            Some(told) => write!(f, "{}{told}", self.during)?,
            None => f.write_str(&self.report.message)?,
        }
        if let Some(SourceLocation { file, line, column }) = &self.report.place {
            write!(f, "\n  at {file}:{line}:{column}")?;
        }
        f.write_str(&self.trace)
    }
}
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error and its causes as one line; a cause that only repeats the line above it is left out.
pub(crate) fn sentence(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(kube::Error::Api(status)) = error.downcast_ref::<kube::Error>() {
            let told = status_sentence(status);
            // Whoever asked may have told the same conflicts with their values.
            if !text.contains(told.lines().next().unwrap_or_default()) {
                push_part(&mut text, &told);
            }
            break;
        }
        push_part(&mut text, &error.to_string());
        next = error.source();
    }
    text
}

fn push_part(text: &mut String, part: &str) {
    if text.is_empty() {
        text.push_str(part);
    } else if !text.contains(part) {
        text.push_str(": ");
        text.push_str(part);
    }
}

/// `404 NotFound: machines.fleet.seatrial.dev "a" not found`; the conflicts of an apply are told in a line each.
pub(crate) fn status_sentence(status: &kube::core::Status) -> String {
    let conflicts = conflicts(status);
    let message = if conflicts.is_empty() { status.message.clone() } else { describe_conflicts(&conflicts) };
    sentence_of(status, &message)
}

/// A Status' code and reason with a message.
pub(crate) fn sentence_of(status: &kube::core::Status, message: &str) -> String {
    let reason = if status.reason.is_empty() { "Unknown" } else { &status.reason };
    format!("{} {reason}: {message}", status.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_a_number(text: &str) -> SpecResult<u32> {
        let number = text.parse::<u32>()?;
        Ok(number)
    }

    #[test]
    fn a_question_mark_keeps_the_place_where_it_stands() {
        let failure = reads_a_number("four").unwrap_err();
        let text = failure.to_string();
        assert!(text.starts_with("invalid digit found in string"), "{text}");
        assert!(text.contains("failure.rs:"), "{text}");
    }

    #[test]
    fn an_api_error_reads_as_its_status_and_not_as_a_debug_dump() {
        let status = kube::core::Status {
            code: 404,
            reason: "NotFound".into(),
            message: "pods \"a\" not found".into(),
            ..kube::core::Status::default()
        };
        let failure = Failure::from(kube::Error::Api(Box::new(status)));
        assert_eq!(failure.message(), "404 NotFound: pods \"a\" not found");
    }

    #[test]
    fn a_conflict_of_field_managers_is_reported_by_field_and_once() {
        let cause = kube::core::response::StatusCause {
            reason: "FieldManagerConflict".into(),
            message: "conflict with \"pilot\" using v1".into(),
            field: ".data.depth".into(),
        };
        let details = serde_json::from_value(serde_json::json!({"causes": [cause]})).unwrap();
        let status = kube::core::Status {
            code: 409,
            reason: "Conflict".into(),
            message: "Apply failed with 1 conflict: …".into(),
            details: Some(details),
            ..kube::core::Status::default()
        };
        let failure = Failure::from(kube::Error::Api(Box::new(status)));
        let told = "409 Conflict: 1 field belongs to another field manager\n  .data.depth: owned by \"pilot\" using v1";
        assert_eq!(failure.message(), told);
    }

    #[test]
    fn operation_precedes_the_reason() {
        assert_eq!(
            Failure::new("no answer").during("starting the operator").message(),
            "starting the operator: no answer"
        );
    }
}
