//! What waits tell when they are not fulfilled, and what they see on the way.

use std::sync::OnceLock;

use crate::program::{Ran, suite, tier};

fn waiting() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("waiting").env("SEATRIAL_LABELS", "!virtual && !stuck").run())
}

#[track_caller]
fn check(spec: &str, parts: &[&str]) {
    waiting().check_story(spec, parts);
}

#[test]
fn the_end_of_a_wait_tells_what_was_expected_the_difference_the_transitions_and_the_last_value() {
    let parts = [
        "/a should match {\"data\":{\"key\":\"3\"},\"immutable\":true} within 1s\n",
        // Who wrote it stands behind a field, where the tier knows it.
        "  last seen: data.key is \"2\" and not \"3\"",
        "; immutable is absent and not true\n",
        "    difference (- expected, + seen):\n",
        "    -  key: \"3\"\n",
        "    +  key: \"2\"\n",
        "  transitions: 3 in 1",
        "first seen, resourceVersion ",
        "data.key: \"0\" → \"1\"",
        "data.key: \"1\" → \"2\"",
        "  last value:\n    apiVersion: v1\n    data:\n      key: \"2\"\n",
        "  at e2e/tests/suites/waiting.rs:",
    ];
    check("Wait / that is not fulfilled / tells what it saw", &parts);
}

#[test]
fn an_object_that_never_came_is_reported_as_such() {
    let parts = ["/a should exist within 1s\n", "  last seen: it is not there\n", "not there\n"];
    check("Wait / that is not fulfilled / tells that it saw nothing", &parts);
}

#[test]
fn a_value_in_hand_is_reported_with_its_difference() {
    let parts = ["expected it to equal [1, 3]\n", "-    3,\n", "+    2,\n", "value: [1, 2]\n", "waiting.rs:"];
    check("Wait / that is not fulfilled / tells a value in hand", &parts);
}

#[test]
fn a_wrong_name_does_not_pass_for_an_object_that_is_never_so() {
    let parts = ["it did not hold: ConfigMap ", "/typo should not match", "last seen: it is not there"];
    check("Wait / that is not fulfilled / does not take an absent object for one that is not so", &parts);
}

#[test]
fn a_flip_that_lasts_one_write_is_caught() {
    let parts = [
        "it did not hold: ",
        "all the time during 1s\n",
        "data.key is \"flipped\" and not \"0\"",
        "\"0\" → \"flipped\"",
    ];
    check("Wait / over a window / catches a brief flip", &parts);
}

#[test]
fn a_namespace_that_cannot_go_fails_the_spec_and_is_shown_as_it_was_last_seen() {
    if tier() != "fake" {
        // The namespace would stay in the cluster, and a minute would pass.
        return;
    }
    let ran = suite("waiting").env("SEATRIAL_LABELS", "stuck").run();
    let story = ran.story("Wait / is told when the namespace cannot go");
    assert!(story.starts_with("clean-up: Namespace seatrial-wait-is-told-"), "{story}");
    assert!(story.contains(" should be gone within 180s\n"), "{story}");
    assert!(story.contains("phase: Terminating"), "{story}");
}

#[test]
fn same_seed_gives_the_same_output() {
    if tier() != "fake" {
        // Elsewhere uids and times are the server's.
        return;
    }
    let story = |seed: &str| {
        let ran = suite("waiting").arg("tells what it saw").env("SEATRIAL_SEED", seed).run();
        ran.story("Wait / that is not fulfilled / tells what it saw").to_owned()
    };
    assert_eq!(story("7"), story("7"));
    // The namespace's name and the object's uid are in it.
    assert_ne!(story("7"), story("8"));
}

#[test]
fn waits_go_on_across_the_end_of_a_watch_and_hours_of_virtual_time_cost_nothing() {
    if tier() != "fake" {
        // Elsewhere this would take half an hour; the resuming itself is tested with a scripted server.
        return;
    }
    let ran = suite("waiting").env("SEATRIAL_LABELS", "virtual").env("SEATRIAL_SPEC_TIMEOUT", "1h").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(ran.ended("ok").len(), 2, "{}", ran.stdout);
}
