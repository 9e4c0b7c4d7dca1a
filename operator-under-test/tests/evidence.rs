//! What a failure leaves behind explains it without a rerun: the example `failing`, run as a child process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// What the operator says about the cause, wherever it says it.
const SAID: &str = "somebody else is deleting it";
/// Who holds the instance back: the cause itself, which the operator does not know.
const HOLDER: &str = "backup.example.com/snapshot";

struct Left {
    folder: TempDir,
    stdout: String,
    report: Value,
}

/// The example's run, once for all tests.
fn left() -> &'static Left {
    static LEFT: OnceLock<Left> = OnceLock::new();
    LEFT.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for the report");
        let mut command = seatrial_e2e::deploy::cargo();
        command.args(["run", "--quiet", "--package", "seatrial-operator", "--example", "failing"]);
        // The run is one of its own, whatever this one was told.
        for (variable, _) in std::env::vars().filter(|(variable, _)| is_of_a_run(variable)) {
            command.env_remove(variable);
        }
        command.env("SEATRIAL_TIER", "fake").env("SEATRIAL_SEED", "7").env("SEATRIAL_REPORT", folder.path());
        let output = command.output().expect("cargo runs this test, so it can be run");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = fs::read_to_string(folder.path().join("report.json"));
        let text = text.unwrap_or_else(|error| {
            panic!("no report: {error}\n{stdout}{}", String::from_utf8_lossy(&output.stderr))
        });
        assert!(!output.status.success(), "the spec that fails on purpose passed:\n{stdout}");
        Left { folder, stdout, report: serde_json::from_str(&text).expect("a report is JSON") }
    })
}

fn is_of_a_run(variable: &str) -> bool {
    ["SEATRIAL_", "GITHUB_"].iter().any(|prefix| variable.starts_with(prefix))
}

/// The failed spec's only attempt.
fn attempt() -> &'static Value {
    let specs = left().report["specs"].as_array().expect("a report has specs");
    let failed = specs.iter().find(|spec| spec["outcome"] == "failed").expect("one of them failed");
    &failed["attempts"][0]
}

/// The text of the artefact whose path ends like this.
#[track_caller]
fn artefact(end: &str) -> String {
    let artefacts = attempt()["artefacts"].as_array().expect("a failure leaves artefacts");
    let paths: Vec<_> = artefacts.iter().filter_map(|artefact| artefact["path"].as_str()).collect();
    let path = paths.iter().find(|path| path.ends_with(end));
    let path = path.unwrap_or_else(|| panic!("no artefact ends with {end:?}: {paths:#?}"));
    fs::read_to_string(left().folder.path().join(path)).expect("an artefact is a file")
}

fn moments(kind: &str) -> Vec<String> {
    let timeline = attempt()["timeline"].as_array().expect("an attempt has a timeline");
    let own = timeline.iter().filter(|moment| moment["kind"] == kind);
    own.map(ToString::to_string).collect()
}

#[test]
fn the_events_name_the_cause_in_the_order_of_time() {
    let events = artefact("/events.txt");
    let running = events.find("Running").expect("the machines ran at first");
    let failed = events.find("ProviderFailed").expect("then the provider failed");
    assert!(running < failed && events[failed..].contains(SAID), "{events}");
    assert!(moments("event").iter().any(|event| event.contains(SAID)));
}

#[test]
fn the_operator_s_log_names_the_cause() {
    let log = artefact("/process.log");
    assert!(log.contains("WARN") && log.contains(SAID), "{log}");
    assert!(moments("log").iter().any(|line| line.contains(SAID)));
}

#[test]
fn an_object_s_difference_and_its_yaml_name_who_holds_it_back() {
    let held = moments("watch").into_iter().find(|change| change.contains(HOLDER));
    let held = held.expect("the timeline shows who came to hold the instance");
    assert!(held.contains(&format!("+  - {HOLDER}")), "{held}");
    let instances = artefact("/simulatedinstances.simulated.fleet.seatrial.dev.yaml");
    assert!(instances.contains(HOLDER) && instances.contains("deletionTimestamp"), "{instances}");
}

#[test]
fn the_requests_and_the_operator_s_own_objects_are_there() {
    assert!(artefact("/requests.txt").contains("DELETE"));
    assert!(artefact("/machines.fleet.seatrial.dev.yaml").contains("ProviderFailed"));
    assert!(artefact("/clusters.fleet.seatrial.dev.yaml").contains("harbour"));
}

#[test]
fn nothing_that_was_left_holds_a_secret_s_value() {
    assert!(artefact("/secrets.yaml").contains("password: (masked, 13 bytes)"));
    let mut files = Vec::new();
    collect(left().folder.path(), &mut files);
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).expect("a file can be read")).into_owned();
        // In base64 it begins like this.
        let leaks = text.contains("under-the-sea") || text.contains("dW5kZXItdGhlLXNlY");
        assert!(!leaks, "{} holds the password", file.display());
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn the_terminal_tells_the_tree_the_reason_the_evidence_and_how_to_run_it_again() {
    let out = &left().stdout;
    for part in [
        "\nMachine\n  whose instance is lost\n    ✓ stays ready while nothing is lost (",
        "    ✗ is ready again within a minute (",
        "── failed: Machine / whose instance is lost / is ready again within a minute ─",
        "should have condition Ready=True within 60s",
        "\nevidence: ",
        "\nrun it again: SEATRIAL_TIER=fake SEATRIAL_SEED=7 cargo run ",
        "\ntest result: FAILED. 1 passed; 1 failed;",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
}
