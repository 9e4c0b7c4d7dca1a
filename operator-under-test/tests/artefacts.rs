//! The artefacts of a failed spec explain the failure: the example `failing`, run as a child process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The operator's message about the cause, in Events and logs.
const MESSAGE: &str = "somebody else is deleting it";
/// The foreign finalizer of the instance, which is the cause.
const FINALIZER: &str = "backup.example.com/snapshot";

struct FailedRun {
    folder: TempDir,
    stdout: String,
    report: Value,
}

/// The run of the example, shared by all tests.
fn failed_run() -> &'static FailedRun {
    static RUN: OnceLock<FailedRun> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for the report");
        let mut command = seatrial_e2e::deploy::cargo();
        command.args(["run", "--quiet", "--package", "seatrial-operator", "--example", "failing"]);
        // Options of this test's own run must not reach the child.
        for (variable, _) in std::env::vars().filter(|(variable, _)| configures_a_run(variable)) {
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
        FailedRun { folder, stdout, report: serde_json::from_str(&text).expect("a report is JSON") }
    })
}

fn configures_a_run(variable: &str) -> bool {
    ["SEATRIAL_", "GITHUB_"].iter().any(|prefix| variable.starts_with(prefix))
}

/// The only attempt of the failed spec.
fn attempt() -> &'static Value {
    let specs = failed_run().report["specs"].as_array().expect("a report has specs");
    let failed = specs.iter().find(|spec| spec["outcome"] == "failed").expect("one of them failed");
    &failed["attempts"][0]
}

/// The text of the artefact whose path ends with `suffix`.
#[track_caller]
fn artefact(suffix: &str) -> String {
    let artefacts = attempt()["artefacts"].as_array().expect("a failure leaves artefacts");
    let paths: Vec<_> = artefacts.iter().filter_map(|artefact| artefact["path"].as_str()).collect();
    let path = paths.iter().find(|path| path.ends_with(suffix));
    let path = path.unwrap_or_else(|| panic!("no artefact ends with {suffix:?}: {paths:#?}"));
    fs::read_to_string(failed_run().folder.path().join(path)).expect("an artefact is a file")
}

fn timeline(kind: &str) -> Vec<String> {
    let all = attempt()["timeline"].as_array().expect("an attempt has a timeline");
    let entries = all.iter().filter(|entry| entry["kind"] == kind);
    entries.map(ToString::to_string).collect()
}

#[test]
fn the_events_name_the_cause_in_chronological_order() {
    let events = artefact("/events.txt");
    let running = events.find("Running").expect("the machines ran at first");
    let failed = events.find("ProviderFailed").expect("then the provider failed");
    assert!(running < failed && events[failed..].contains(MESSAGE), "{events}");
    assert!(timeline("event").iter().any(|event| event.contains(MESSAGE)));
}

#[test]
fn the_operator_s_log_names_the_cause() {
    let log = artefact("/process.log");
    assert!(log.contains("WARN") && log.contains(MESSAGE), "{log}");
    assert!(timeline("log").iter().any(|line| line.contains(MESSAGE)));
}

#[test]
fn the_timeline_and_the_yaml_show_the_foreign_finalizer() {
    let change = timeline("watch").into_iter().find(|change| change.contains(FINALIZER));
    let change = change.expect("the timeline shows the added finalizer");
    assert!(change.contains(&format!("+  - {FINALIZER}")), "{change}");
    let instances = artefact("/simulatedinstances.simulated.fleet.seatrial.dev.yaml");
    assert!(instances.contains(FINALIZER) && instances.contains("deletionTimestamp"), "{instances}");
}

#[test]
fn requests_and_custom_resources_are_among_the_artefacts() {
    assert!(artefact("/requests.txt").contains("DELETE"));
    assert!(artefact("/machines.fleet.seatrial.dev.yaml").contains("ProviderFailed"));
    assert!(artefact("/clusters.fleet.seatrial.dev.yaml").contains("harbour"));
}

#[test]
fn no_artefact_contains_the_value_of_a_secret() {
    assert!(artefact("/secrets.yaml").contains("password: (masked, 13 bytes)"));
    let mut files = Vec::new();
    collect(failed_run().folder.path(), &mut files);
    assert!(files.len() > 8, "{files:?}");
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).expect("a file can be read")).into_owned();
        // In plain text and in base64.
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
fn the_terminal_shows_the_tree_the_failure_the_artefacts_and_the_command_to_rerun() {
    let out = &failed_run().stdout;
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
