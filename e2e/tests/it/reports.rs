//! The report that other programs read.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{suite, tier};

pub(crate) fn report(folder: &Path) -> Value {
    let bytes =
        std::fs::read(folder.join("report.json")).expect("a run with SEATRIAL_REPORT leaves a report");
    serde_json::from_slice(&bytes).expect("a report is JSON")
}

#[test]
fn every_spec_s_outcome_is_in_the_report_and_the_sums_are_right() {
    let folder = tempfile::tempdir().unwrap();
    suite("passing").env("SEATRIAL_REPORT", folder.path()).env("SEATRIAL_SEED", "7").run();
    let report = report(folder.path());
    assert_eq!((&report["passed"], &report["failed"], &report["skipped"]), (&json!(7), &json!(0), &json!(2)));
    let find =
        |name: &str| report["specs"].as_array().unwrap().iter().find(|spec| spec["name"] == name).unwrap();
    let passed = find("ConfigMap / is gone once it was deleted");
    assert_eq!(passed["outcome"], "passed");
    assert_eq!(
        (&passed["suite"], &passed["tier"], &passed["seed"]),
        (&json!("suites"), &json!(tier()), &json!(7))
    );
    assert!(passed["seconds"].as_f64().unwrap() > 0.0);
    let skipped = find("Cluster / spreads Pods");
    assert_eq!(
        (&skipped["outcome"], &skipped["reason"]),
        (&json!("skipped"), &json!("needs kubelet, nodes:3"))
    );
}

#[test]
fn a_failure_is_in_the_report_with_its_story_and_the_filtered_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    suite("waiting").arg("tells a value in hand").env("SEATRIAL_REPORT", folder.path()).run();
    let report = report(folder.path());
    assert_eq!((&report["failed"], report["specs"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(report["specs"][0]["story"].as_str().unwrap().starts_with("expected it to equal [1, 3]"));
}

#[test]
fn a_listing_leaves_no_report() {
    let folder = tempfile::tempdir().unwrap();
    suite("passing").arg("--list").env("SEATRIAL_REPORT", folder.path()).run();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
