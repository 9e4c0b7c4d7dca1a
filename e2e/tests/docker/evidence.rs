//! What nodes leave of a failure: one that runs and one that is paused, in the layout of `kind export logs`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::suite;
use crate::surroundings::{REAPING, files, home};

/// The files that kind 0.33 writes for a node that runs.
const LAYOUT: [&str; 6] =
    ["inspect.json", "serial.log", "kubernetes-version.txt", "journal.log", "kubelet.log", "containerd.log"];

/// The Secret's value, and the same in base64.
const SECRET: [&str; 2] = ["moored-at-dawn", "bW9vcmVkLWF0LWRhd24="];

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { all_files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

#[test]
fn a_failure_leaves_what_its_nodes_know_also_where_one_is_paused_and_no_secret() {
    // The run reaps at its start.
    let _alone = REAPING.blocking_lock();
    let (_folder, home) = home();
    let report = tempfile::tempdir().unwrap();
    let mut program = suite("evidence").env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_HOME", home.path());
    program = program.env("SEATRIAL_KIND_NODES", "2").env("SEATRIAL_REPORT", report.path());
    if let Some(image) = std::env::var_os("SEATRIAL_NODE_IMAGE") {
        program = program.env("SEATRIAL_NODE_IMAGE", image);
    }
    let ran = program.run();
    assert_eq!(ran.code, Some(101), "{}\n{}", ran.stdout, ran.stderr);
    assert!(
        ran.story("Harbour / is left while a node is away").starts_with("expected it to equal \"aboard\"")
    );
    let json: Value =
        serde_json::from_slice(&std::fs::read(report.path().join("report.json")).unwrap()).unwrap();
    let attempt = &json["specs"][0]["attempts"][0];
    let paths = attempt["artefacts"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    let journal = paths.clone().find(|path| path.ends_with("-control-plane/journal.log")).expect("a journal");
    let node = report.path().join(journal).parent().unwrap().to_owned();
    let text = |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    for file in LAYOUT {
        assert!(!text(&node, file).trim().is_empty(), "{file} of the control plane is missing or empty");
    }
    assert!(text(&node, "inspect.json").contains("=(masked)"), "{}", text(&node, "inspect.json"));
    assert!(text(&node, "journal.log").contains("kubelet["), "{}", text(&node, "journal.log"));
    // Both have written the value down, or nothing was masked here.
    for file in ["kubelet.log", "containerd.log"] {
        assert!(text(&node, file).contains("registry.invalid/(masked):1"), "{}", text(&node, file));
    }
    let (mut pods, mut containers) = (Vec::new(), Vec::new());
    all_files(&node.join("pods"), &mut pods);
    all_files(&node.join("containers"), &mut containers);
    assert!(
        pods.iter().any(|file| file.to_string_lossy().contains("kube-system_kube-apiserver")),
        "{pods:?}"
    );
    assert!(!containers.is_empty() && containers.len() <= pods.len(), "{containers:?}");

    let paused = PathBuf::from(node.display().to_string().replace("-control-plane", "-worker"));
    for file in ["inspect.json", "serial.log"] {
        assert!(!text(&paused, file).is_empty(), "{file} of the paused node is missing or empty");
    }
    assert!(!paused.join("journal.log").exists());
    let missing = attempt["uncollected"].to_string();
    assert!(missing.contains("-worker: its container is paused"), "{missing}");

    // The fault stands on the timeline for as long as it was there, its undoing at the end included.
    let moments = attempt["timeline"].as_array().expect("an attempt has a timeline");
    let fault = moments.iter().find(|moment| moment["kind"] == "fault").expect("a fault on the timeline");
    assert!(fault["text"].as_str().is_some_and(|text| text.ends_with("-worker: paused")), "{fault}");
    assert!(fault["took"].as_f64().is_some_and(|took| took > 0.0), "{fault}");

    let mut everything = Vec::new();
    all_files(report.path(), &mut everything);
    for file in everything {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!SECRET.iter().any(|value| text.contains(value)), "{} holds the Secret", file.display());
    }
    // Whoever is the last one removes the cluster, also after a failure.
    assert!(!files(&home).iter().any(|file| file.contains(".lease")), "{:?}", files(&home));
}
