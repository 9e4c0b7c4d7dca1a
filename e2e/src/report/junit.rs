//! `junit.xml`: the run for CI services.
//!
//! A suite for each test target and tier. A spec that is tried again carries its earlier attempts as reruns, so that a
//! service that knows flakes shows it as one. Skipped and pending specs are skipped, with their reason.
//!
//! A spec that was interrupted is an error of type `interrupted`. Services show errors apart from failures and take
//! the job for what it is, not passed; as skipped it would look like one that nobody had begun.

use std::collections::BTreeMap;
use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report as Junit, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use crate::report::model::{Attempt, Outcome, Report, SpecReport};

/// The report as XML.
pub(crate) fn xml(report: &Report) -> Result<String, String> {
    let mut suites: BTreeMap<(&str, &str), Vec<&SpecReport>> = BTreeMap::new();
    for spec in &report.specs {
        suites.entry((&spec.suite, &spec.tier)).or_default().push(spec);
    }
    let mut junit = Junit::new("seatrial");
    junit.set_time(Duration::from_secs_f64(report.specs.iter().map(|spec| spec.seconds).sum()));
    junit.add_test_suites(suites.into_iter().map(|((suite, tier), specs)| test_suite(suite, tier, &specs)));
    junit.to_string().map_err(|error| error.to_string())
}

fn test_suite(suite: &str, tier: &str, specs: &[&SpecReport]) -> TestSuite {
    let mut made = TestSuite::new(format!("{suite} ({tier})"));
    made.set_time(Duration::from_secs_f64(specs.iter().map(|spec| spec.seconds).sum()));
    let started = specs.iter().flat_map(|spec| &spec.attempts).filter_map(|attempt| attempt.started).min();
    made.timestamp = started.and_then(|started| started.to_string().parse().ok());
    made.add_property(Property::new("tier", tier));
    if let Some(seed) = specs.iter().find_map(|spec| spec.seed) {
        made.add_property(Property::new("seed", seed.to_string()));
    }
    made.add_test_cases(specs.iter().map(|spec| test_case(spec)));
    made
}

fn test_case(spec: &SpecReport) -> TestCase {
    let mut case = TestCase::new(spec.name.as_str(), status(spec));
    let groups = spec.path.split_last().map(|(_, groups)| groups.join(" / ")).unwrap_or_default();
    case.set_classname(if groups.is_empty() { spec.suite.clone() } else { groups });
    case.set_time(Duration::from_secs_f64(spec.seconds));
    let started = spec.attempts.first().and_then(|attempt| attempt.started);
    case.timestamp = started.and_then(|started| started.to_string().parse().ok());
    for label in &spec.labels {
        case.add_property(Property::new("label", label.as_str()));
    }
    let artefacts = spec.attempts.iter().flat_map(|attempt| &attempt.artefacts);
    for artefact in artefacts {
        case.add_property(Property::new("artefact", artefact.path.as_str()));
    }
    case
}

fn status(spec: &SpecReport) -> TestCaseStatus {
    match &spec.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Flaky { .. } => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(spec.attempts.iter().filter(|attempt| !attempt.failures.is_empty()).map(rerun));
            status
        }
        Outcome::Failed { story } => not_passed(spec, NonSuccessKind::Failure, story),
        Outcome::Interrupted { story } => not_passed(spec, NonSuccessKind::Error, story),
        Outcome::Skipped { reason } => skipped(reason.clone()),
        Outcome::Pending { reason } if reason.is_empty() => skipped("pending".into()),
        Outcome::Pending { reason } => skipped(format!("pending: {reason}")),
    }
}

fn not_passed(spec: &SpecReport, kind: NonSuccessKind, story: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(first_line(story)).set_type(spec.outcome.word()).set_description(story);
    let earlier = spec.attempts.len().saturating_sub(1);
    status.add_reruns(spec.attempts[..earlier].iter().map(rerun));
    status
}

fn skipped(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let messages: Vec<_> = attempt.failures.iter().map(|failure| failure.message.as_str()).collect();
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_time(Duration::from_secs_f64(attempt.seconds)).set_type("failed");
    rerun.set_message(first_line(messages.first().unwrap_or(&""))).set_description(messages.join("\n\n"));
    rerun
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::FailureReport;

    fn spec(name: &str, outcome: Outcome) -> SpecReport {
        let path = name.split(" / ").map(str::to_owned).collect();
        let (suite, tier) = ("specs".to_owned(), "fake".to_owned());
        SpecReport { suite, name: name.into(), path, tier, outcome, seconds: 1.5, ..SpecReport::default() }
    }

    fn attempt(failure: Option<&str>) -> Attempt {
        let failures =
            failure.map(|message| FailureReport { message: message.into(), ..FailureReport::default() });
        let started = "2026-11-22T20:00:00Z".parse().ok();
        Attempt { started, seconds: 0.5, failures: failures.into_iter().collect(), ..Attempt::default() }
    }

    fn xml_of(specs: Vec<SpecReport>) -> String {
        let mut report = Report::default();
        report.merge(specs);
        xml(&report).unwrap()
    }

    #[test]
    fn outcomes_are_counted_as_ci_services_count() {
        let failed = Outcome::Failed { story: "no <capacity>\n  at a.rs:1:1".into() };
        let text = xml_of(vec![
            spec("Machine / starts", Outcome::Passed),
            spec("Machine / stops", failed),
            spec("Machine / spreads", Outcome::Skipped { reason: "needs nodes:3".into() }),
            spec("Machine / sings", Outcome::Pending { reason: String::new() }),
        ]);
        assert!(text.contains(r#"<testsuite name="specs (fake)" tests="4" skipped="2""#), "{text}");
        assert!(text.contains(r#"failures="1""#) && text.contains(r#"classname="Machine""#), "{text}");
        assert!(text.contains(r#"<failure message="no &lt;capacity&gt;" type="failed">"#), "{text}");
        assert!(text.contains(r#"<skipped message="needs nodes:3"/>"#), "{text}");
        assert!(text.contains(r#"<skipped message="pending"/>"#), "{text}");
    }

    #[test]
    fn a_spec_that_was_interrupted_is_an_error_and_no_failure() {
        let story = "interrupted: the run was ended by SIGTERM\nit was waiting".to_owned();
        let text = xml_of(vec![spec("Machine / starts", Outcome::Interrupted { story })]);
        assert!(text.contains(r#"errors="1""#) && text.contains(r#"failures="0""#), "{text}");
        let error = r#"<error message="interrupted: the run was ended by SIGTERM" type="interrupted">"#;
        assert!(text.contains(error) && !text.contains("<failure"), "{text}");
    }

    #[test]
    fn a_flake_passes_and_carries_the_attempt_that_failed() {
        let attempts = vec![attempt(Some("too slow\nby far")), attempt(None)];
        let flaky = Outcome::Flaky { story: "too slow".into() };
        let text = xml_of(vec![SpecReport { attempts, ..spec("Machine / starts", flaky) }]);
        assert!(text.contains(r#"<flakyFailure time="0.500" message="too slow" type="failed">"#), "{text}");
        assert!(text.contains(r#"failures="0""#) && text.contains("2026-11-22T20:00:00"), "{text}");
    }
}
