//! What is seen of field managers: who owns a field, who has written it, and who is in the way.
//!
//! On a tier without server-side apply, or without `metadata.managedFields`, these tests fail.

use std::sync::OnceLock;

use crate::program::{Ran, suite};
use crate::reports::report;

fn managers() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("managers").run())
}

#[track_caller]
fn check(spec: &str, parts: &[&str]) {
    managers().check_story(&format!("Field managers / that do not / {spec}"), parts);
}

#[test]
fn objects_are_applied_and_their_fields_have_owners() {
    let expected = [
        "Field managers / that agree / are told from those that update",
        "Field managers / that agree / give one snapshot",
        "Field managers / that agree / own what they apply",
        "Field managers / that agree / own what they apply of a kind that is known at run time only",
        "Field managers / that do not / take fields over by force alone",
    ];
    assert_eq!(managers().ended("ok"), expected, "{}", managers().stdout);
}

#[test]
fn a_conflict_is_reported_by_field_with_owners_and_values() {
    let parts = [
        "failed to apply ConfigMap seatrial-",
        "/a as field manager crew: 409 Conflict: 2 fields belong to other field managers\n  ",
        ".data.key: \"1\", owned by \"pilot\"; the apply has \"2\"\n  ",
        ".data.other: \"y\", owned by \"seatrial\" using v1; the apply has \"z\"\n",
        "  next: leave these fields out, or take them over with .force()\n",
        "  at e2e/tests/suites/managers.rs:",
    ];
    check("tell a conflict with its values", &parts);
    let told = "409 Conflict: 1 field belongs to another field manager\n  .data.key: owned by \"pilot\"\n";
    check("tell a conflict of requests of one's own", &[told]);
}

#[test]
fn a_conflict_over_a_secret_tells_no_value() {
    let masked =
        ".data.password: \"(masked, 19 bytes)\", owned by \"pilot\"; the apply has \"(masked, 16 bytes)\"\n";
    check("keep the values of Secrets", &[masked]);
}

#[test]
fn fields_that_differ_are_reported_with_who_wrote_them() {
    let parts = [
        "  last seen: status.depth is 2 and not 3 (last written by mate, Update, /status)\n",
        "status.depth: 1 → 2 (by mate, Update, /status)\n",
        "last value:",
    ];
    check("are told with the fields that differ", &parts);
    let parts =
        ["expected it to have field .data.key owned by crew\n", "  .data.key is owned by pilot, Apply\n"];
    check("are told instead of the one that was expected", &parts);
}

#[test]
fn a_change_on_the_timeline_has_its_manager_and_no_managed_fields() {
    let folder = tempfile::tempdir().unwrap();
    suite("managers").arg("the fields that differ").env("SEATRIAL_REPORT", folder.path()).run();
    let report = report(folder.path());
    let moments = report["specs"][0]["attempts"][0]["timeline"].as_array().unwrap();
    let text = "status.depth: 1 → 2 (by mate, Update, /status)";
    let changed = moments.iter().find(|moment| moment["kind"] == "watch" && moment["text"] == text);
    let changed = changed.unwrap_or_else(|| panic!("{text:?} is not among {moments:#?}"));
    let detail = changed["detail"].as_str().unwrap();
    assert!(detail.ends_with("+  depth: 2\nwritten by mate, Update, /status: status.depth"), "{detail}");
    assert!(!report.to_string().contains("fieldsV1"), "{report:#}");
    let files = report["specs"][0]["attempts"][0]["artefacts"].as_array().unwrap();
    let objects =
        files.iter().filter_map(|file| file["path"].as_str()).filter(|path| path.contains("/objects/"));
    let objects: Vec<_> =
        objects.map(|path| std::fs::read_to_string(folder.path().join(path)).unwrap()).collect();
    assert!(objects.iter().any(|text| text.contains("depth: 2")), "{objects:?}");
    assert!(!objects.iter().any(|text| text.contains("managedFields")), "{objects:?}");
}

#[test]
fn a_suite_may_ask_for_one_writer_of_each_kind_s_status() {
    let ran = suite("one writer").run();
    assert_eq!(ran.ended("ok"), ["Sail / has one writer"], "{}", ran.stdout);
    let kind = "Sail.trial.seatrial.dev";
    assert_eq!(
        ran.story("Sail / has two writers"),
        format!(
            "2 field managers write the status of kind {kind}, and only one may\n  \
             bosun writes .status.depth of {kind} jib\n  \
             mate writes .status.course, .status.depth of {kind} main"
        )
    );
}
