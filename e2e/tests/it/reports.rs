//! The report that other programs read.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{in_memory, suite, tier};

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
fn report_has_failures_with_their_message_and_no_filtered_specs() {
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

#[test]
fn a_hook_s_failure_leaves_evidence_from_before_the_clean_up() {
    let folder = tempfile::tempdir().unwrap();
    in_memory("endings").arg("is not begun").env("SEATRIAL_REPORT", folder.path()).run();
    let report = report(folder.path());
    let attempt = &report["specs"][0]["attempts"][0];
    let paths: Vec<_> =
        attempt["artefacts"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    let namespace =
        paths.iter().find(|path| path.ends_with("/namespace.yaml")).expect("the namespace is there");
    let text = std::fs::read_to_string(folder.path().join(namespace)).unwrap();
    assert!(text.contains("phase: Active"), "it was still there:\n{text}");
    let kinds: Vec<_> = attempt["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| moment["kind"].as_str().unwrap())
        .collect();
    let at =
        |kind: &str| kinds.iter().position(|other| *other == kind).unwrap_or_else(|| panic!("{kinds:?}"));
    assert!(at("failure") < at("artefact") && at("artefact") < at("clean-up"), "{kinds:?}");
}

#[test]
fn a_failure_leaves_what_only_its_tier_knows() {
    let folder = tempfile::tempdir().unwrap();
    suite("endings").arg("inside / fails").env("SEATRIAL_REPORT", folder.path()).run();
    let report = report(folder.path());
    let artefacts = report["specs"][0]["attempts"][0]["artefacts"].as_array().unwrap();
    let text = |name: &str| {
        let paths = artefacts.iter().map(|file| file["path"].as_str().unwrap());
        let found = paths.clone().find(|path| path.ends_with(name));
        let found = found.unwrap_or_else(|| panic!("{name} is not among {:?}", paths.collect::<Vec<_>>()));
        std::fs::read_to_string(folder.path().join(found)).unwrap()
    };
    if tier() == "fake" {
        assert!(text("/requests.txt").contains("/configmaps/missing"), "{}", text("/requests.txt"));
    } else {
        text("/control-plane/etcd.log");
        text("/control-plane/kube-controller-manager.log");
        // It began long before the spec did.
        let log = text("/control-plane/kube-apiserver.log");
        assert!(!log.contains("--etcd-servers") && !log.contains("\"Version\""), "{log}");
    }
}

#[test]
fn the_folder_has_a_page_and_junit_s_form_and_ci_s_variable_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    in_memory("passing").env("ARTIFACTS", folder.path()).run();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("junit.xml").contains("ConfigMap / is gone once it was deleted"), "{}", read("junit.xml"));
    assert!(read("report.html").contains("<title>Seatrial report</title>"));
}

#[test]
fn default_output_is_a_tree_with_failures_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let ran = in_memory("endings").env("SEATRIAL_REPORT", folder.path()).run_as_it_is();
    let out = &ran.stdout;
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{out}"));
    let group = at("\nEnding\n");
    assert_eq!(out.matches("\nEnding\n").count(), 1, "{out}");
    assert!(group < at("\n  inside\n") && at("\n  inside\n") < at("\n    ✓ succeeds ("), "{out}");
    let explained = at("── failed: Ending / inside / fails ─");
    assert!(at("\n    ✗ fails (") < explained && out[explained..].contains("evidence: "), "{out}");
    assert!(out.contains("run it again: SEATRIAL_TIER=fake SEATRIAL_SEED=0 cargo run "), "{out}");
    assert!(at("report.html") < at("test result: "), "{out}");
    assert!(!out.contains('\x1b'), "plain where no terminal looks:\n{out}");
}

#[test]
fn on_github_a_failure_is_annotated_at_its_line() {
    let ran = in_memory("endings").arg("inside / fails").env("GITHUB_ACTIONS", "true").run();
    let line = ran.stdout.lines().find(|line| line.starts_with("::error ")).expect("an annotation");
    assert!(line.starts_with("::error file=e2e/tests/suites/endings.rs,line="), "{line}");
    assert!(line.contains("title=failed%3A Ending / inside / fails::failed to get ConfigMap"), "{line}");
}
