//! How specs end: what runs afterwards, and what is told.

use std::sync::OnceLock;

use crate::program::{Ran, suite};

fn endings() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("endings").run())
}

#[test]
fn only_the_passing_spec_passes() {
    let ran = endings();
    assert_eq!(ran.code, Some(101), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(ran.ended("ok"), ["Ending / inside / succeeds"]);
    assert_eq!(ran.ended("FAILED").len(), 9, "{}", ran.stdout);
}

#[test]
fn hooks_and_clean_ups_run_in_order_however_a_spec_ends() {
    for spec in ["succeeds", "fails", "panics", "takes too long"] {
        let expected = [
            "outer before_each",
            "inner before_each",
            "body",
            "inner after_each",
            "outer after_each",
            "second deferred",
            "deferred by a clean-up",
            "first deferred",
        ];
        assert_eq!(endings().told(spec), expected, "the spec that {spec}");
    }
}

#[test]
fn a_failed_hook_leaves_out_the_spec_and_not_what_is_to_be_undone() {
    let expected = ["outer before_each", "outer after_each", "deferred before the hook failed"];
    assert_eq!(endings().told("is not begun"), expected);
    let story = endings().story("Ending / in trouble / before it begins / is not begun");
    assert!(story.starts_with("before_each: no crew\n  at e2e/tests/suites/endings.rs:"), "{story}");
}

#[test]
fn a_failure_is_reported_with_its_place_and_the_steps_before_it() {
    let story = endings().story("Ending / inside / fails");
    assert!(story.starts_with("failed to get ConfigMap seatrial-ending-inside-fails-"), "{story}");
    assert!(
        story.contains(
            "/missing: 404 NotFound: configmaps \"missing\" not found\n  at e2e/tests/suites/endings.rs:"
        ),
        "{story}"
    );
    assert!(story.contains("\nsteps:\n  ") && story.ends_with("  looking for a machine"), "{story}");
}

#[test]
fn steps_are_reported_at_once_when_nothing_is_to_be_captured() {
    let ran = suite("endings").arg("inside / fails").arg("--nocapture").run();
    assert!(ran.stderr.contains("Ending / inside / fails: looking for a machine\n"), "{}", ran.stderr);
    assert!(!endings().stderr.contains("looking for a machine"), "{}", endings().stderr);
}

#[test]
fn a_panic_is_reported_as_one_with_its_place() {
    let story = endings().story("Ending / inside / panics");
    assert!(story.starts_with("panicked: the mast is broken\n  at e2e/tests/suites/endings.rs:"), "{story}");
}

#[test]
fn the_end_of_time_tells_the_last_step_and_what_was_waited_for() {
    let story = endings().story("Ending / inside / takes too long");
    assert!(
        story.starts_with("did not finish within 2s; its last step was \"waiting for a ship\""),
        "{story}"
    );
    assert!(story.contains("\nit was waiting: ConfigMap seatrial-ending-inside-takes-too-long-"), "{story}");
    assert!(story.contains("/ship should exist within 3600s\n  last seen: it is not there"), "{story}");
}

#[test]
fn a_spec_that_asserts_nothing_fails_as_such() {
    let story = endings().story("Ending / in trouble / asserts nothing");
    assert!(story.starts_with("a spec that asserted nothing: "), "{story}");
}

#[test]
fn unawaited_expectation_fails_the_spec() {
    let story = endings().story("Ending / in trouble / forgets to await");
    assert!(story.starts_with("this expectation was never checked: "), "{story}");
    assert!(story.contains("at e2e/tests/suites/endings.rs:"), "{story}");
}

#[test]
fn the_clean_ups_failures_come_after_the_spec_s_own() {
    let story = endings().story("Ending / in trouble / fails twice");
    let at = |text: &str| story.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{story}"));
    assert_eq!(at("the first reason"), 0);
    // Newest first: the panic was deferred last.
    assert!(at("panicked: the third reason") < at("the second reason"), "{story}");
    assert!(story.contains("clean-up deferred at e2e/tests/suites/endings.rs:"), "{story}");
}

#[test]
fn a_clean_up_that_fails_fails_a_spec_that_did_not() {
    let story = endings().story("Ending / in trouble / cannot clean up");
    assert!(story.starts_with("clean-up deferred at e2e/tests/suites/endings.rs:"), "{story}");
    assert!(story.contains(": the anchor is stuck\n"), "{story}");
}

#[test]
fn a_task_that_fails_or_panics_fails_the_spec_and_one_that_goes_on_is_stopped() {
    let story = endings().story("Ending / in trouble / has a task that fails");
    assert!(story.starts_with("task \"radar\": panicked: no power\n"), "{story}");
    assert!(story.contains("\n\ntask \"pump\": no water\n"), "{story}");
    assert!(!story.contains("radio"), "{story}");
}
