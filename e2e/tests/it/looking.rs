//! What waits can be told besides how long, and what they say when they end for another reason than time.

use std::sync::OnceLock;

use crate::program::{Ran, suite};

fn looking() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("looking").run())
}

#[track_caller]
fn check(spec: &str, parts: &[&str]) {
    looking().check_story(&format!("Lookout / that has no hope / {spec}"), parts);
}

#[test]
fn parts_of_objects_events_probes_and_matchers_of_one_s_own_are_seen() {
    let group = "Lookout / that sees what it waits for / ";
    let expected = [
        "counts looks at a probe",
        "finds parts of objects and combines matchers",
        "holds a probe still",
        "reads Events about an object",
    ];
    assert_eq!(looking().ended("ok"), expected.map(|name| format!("{group}{name}")), "{}", looking().stdout);
}

#[test]
fn a_rule_ends_a_wait_long_before_its_time_and_says_why() {
    let parts = [
        "stopped at ",
        ", it does match {\"data\":{\"key\":\"sunk\"}}: ConfigMap ",
        "/a should match {\"data\":{\"key\":\"afloat\"}} within 3000s\n",
        "  last seen: data.key is \"sunk\" and not \"afloat\"",
    ];
    check("stops when a condition says so", &parts);
}

#[test]
fn an_image_that_cannot_be_pulled_ends_a_wait_for_something_else() {
    let parts = [
        "stopped at ",
        ", container app of Pod web waits: ImagePullBackOff: no such image: ConfigMap ",
        "/never should exist within 3000s\n",
    ];
    check("stops when a Pod beside it cannot get its image", &parts);
}

#[test]
fn a_wait_that_must_hold_tells_how_often_it_did() {
    let parts = [
        " 100 times in a row within 2.500s\n  it held at 3 of 100 looks\n",
        "transitions: 1 in 2.5",
        "last value:",
    ];
    check("tells how far it was when it did not hold often enough", &parts);
}

#[test]
fn a_probe_s_errors_and_missing_replicas_are_reported() {
    let parts = [
        "the depth should equal 7 within 1s\n  last seen: nothing: it could not be looked at\n",
        "  last API error: no line at ",
    ];
    check("tells the errors of a probe", &parts);
    check(
        "counts replicas that are not there",
        &["expected it to have 3 ready replicas\n  1 of 3 are ready\n"],
    );
}

#[test]
fn a_failed_wait_is_in_the_report_part_by_part_and_on_the_timeline() {
    let folder = tempfile::tempdir().unwrap();
    suite("looking").arg("a condition says so").env("SEATRIAL_REPORT", folder.path()).run();
    let attempt = &crate::reports::report(folder.path())["specs"][0]["attempts"][0];
    let failure = &attempt["failures"][0];
    let text = |key: &str| failure[key].as_str().unwrap_or_else(|| panic!("{key}: {failure:#}"));
    assert!(text("message").starts_with("stopped at "), "{failure:#}");
    assert!(text("expected").contains("/a should match"), "{failure:#}");
    assert!(text("last_value").contains("key: sunk"), "{failure:#}");
    assert!(text("difference").contains("-  key: afloat\n+  key: sunk"), "{failure:#}");
    assert_eq!(failure["place"]["file"], "e2e/tests/suites/looking.rs");
    assert!(failure["transitions"][0]["text"].as_str().unwrap().starts_with("first seen"), "{failure:#}");
    let moments = attempt["timeline"].as_array().unwrap();
    let kinds: Vec<_> = moments.iter().filter_map(|moment| moment["kind"].as_str()).collect();
    for kind in ["expectation", "transition", "failure", "clean-up"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
}
