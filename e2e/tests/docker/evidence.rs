//! What nodes leave of a failure, in the layout of `kind export logs`: one that runs, one that is paused, those of another
//! cluster that the spec has made, and one that never came up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use seatrial_e2e::kind::Home;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Ran, suite};
use crate::surroundings::{REAPING, empty_image, files, home, left_of, own_architecture};

/// The files that kind 0.33 writes for a node that runs.
const LAYOUT: [&str; 6] =
    ["inspect.json", "serial.log", "kubernetes-version.txt", "journal.log", "kubelet.log", "containerd.log"];

/// The Secrets' values, and the same in base64.
const SECRETS: [&str; 4] =
    ["moored-at-dawn", "bW9vcmVkLWF0LWRhd24=", "adrift-at-dusk", "YWRyaWZ0LWF0LWR1c2s="];

fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { all_files(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

/// What a run left.
struct Left {
    report: TempDir,
    json: Value,
}

impl Left {
    /// Runs the suite's specs one after the other, as nodes are paused there.
    fn by_the_suite(home: &Home, broken_image: &str) -> (Self, Ran) {
        let report = tempfile::tempdir().unwrap();
        let mut program =
            suite("evidence").env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_HOME", home.path());
        program = program.env("SEATRIAL_KIND_NODES", "2").env("SEATRIAL_REPORT", report.path());
        program = program.arg("--test-threads=1").env("BROKEN_IMAGE", broken_image);
        if let Some(image) = std::env::var_os("SEATRIAL_NODE_IMAGE") {
            program = program.env("SEATRIAL_NODE_IMAGE", image);
        }
        let ran = program.run();
        let json = std::fs::read(report.path().join("report.json")).unwrap();
        (Self { report, json: serde_json::from_slice(&json).unwrap() }, ran)
    }

    #[track_caller]
    fn attempt(&self, spec: &str) -> &Value {
        let specs = self.json["specs"].as_array().unwrap();
        let spec = specs.iter().find(|one| one["name"] == format!("Harbour / {spec}").as_str());
        &spec.expect("it was run")["attempts"][0]
    }

    /// The folders of the nodes of an attempt whose names end like this.
    fn nodes(&self, attempt: &Value, end: &str) -> BTreeSet<PathBuf> {
        let paths =
            attempt["artefacts"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
        let folders = paths.filter_map(|path| {
            let node = path.split_once("/nodes/")?.1.split('/').next()?;
            let folder = &path[..path.find(node)? + node.len()];
            node.ends_with(end).then(|| self.report.path().join(folder))
        });
        folders.collect()
    }
}

fn text(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap_or_default()
}

#[test]
fn a_failure_leaves_what_its_nodes_know_in_every_cluster_of_the_spec_and_no_secret() {
    // The run reaps at its start.
    let _alone = REAPING.blocking_lock();
    let (_folder, home) = home();
    let image = empty_image(&format!("seatrial.test/sunk:{}", std::process::id()), own_architecture());
    let (left, ran) = Left::by_the_suite(&home, &image.0);
    assert_eq!(ran.code, Some(101), "{}\n{}", ran.stdout, ran.stderr);
    one_node_is_paused(&left, ran.story("Harbour / is left while a node is away"));
    there_are_two_clusters(&left, ran.story("Harbour / with another one / is left by both"));
    let story = ran.story("Harbour / with another one / is left when that one does not come up");
    assert!(story.starts_with("kind could not create cluster seatrial-"), "{story}");
    let attempt = left.attempt("with another one / is left when that one does not come up");
    let nodes = left.nodes(attempt, "-control-plane");
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    assert!(nodes.iter().all(|node| !text(node, "inspect.json").is_empty()), "{nodes:?}");
    assert!(nodes.iter().any(|node| text(node, "inspect.json").contains(&image.0)), "{nodes:?}");
    let missing = attempt["uncollected"].to_string();
    assert!(missing.contains("-control-plane: its container does not run"), "{missing}");

    let mut everything = Vec::new();
    all_files(left.report.path(), &mut everything);
    for file in everything {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!SECRETS.iter().any(|value| text.contains(value)), "{} holds a Secret", file.display());
    }
    // Whoever is the last one removes the cluster, also after a failure.
    assert!(!files(&home).iter().any(|file| file.contains(".lease")), "{:?}", files(&home));
}

/// One node that runs, and one that is paused.
fn one_node_is_paused(left: &Left, story: &str) {
    assert!(story.starts_with("expected it to equal \"aboard\""), "{story}");
    let attempt = left.attempt("is left while a node is away");
    let nodes = left.nodes(attempt, "-control-plane");
    let node = nodes.first().expect("a control plane");
    for file in LAYOUT {
        assert!(!text(node, file).trim().is_empty(), "{file} of the control plane is missing or empty");
    }
    assert!(text(node, "inspect.json").contains("=(masked)"), "{}", text(node, "inspect.json"));
    assert!(text(node, "journal.log").contains("kubelet["), "{}", text(node, "journal.log"));
    // Both have written the value down, or nothing was masked here.
    for file in ["kubelet.log", "containerd.log"] {
        assert!(text(node, file).contains("registry.invalid/(masked):1"), "{}", text(node, file));
    }
    let (mut pods, mut containers) = (Vec::new(), Vec::new());
    all_files(&node.join("pods"), &mut pods);
    all_files(&node.join("containers"), &mut containers);
    let server = |file: &PathBuf| file.to_string_lossy().contains("kube-system_kube-apiserver");
    assert!(pods.iter().any(server), "{pods:?}");
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
}

/// The run's cluster, and one that the spec has made.
fn there_are_two_clusters(left: &Left, story: &str) {
    assert!(story.starts_with("expected it to equal \"aboard\""), "{story}");
    let attempt = left.attempt("with another one / is left by both");
    let nodes = left.nodes(attempt, "-control-plane");
    let workers = left.nodes(attempt, "-worker");
    assert_eq!((nodes.len(), workers.len()), (2, 1), "{nodes:?}");
    for node in &nodes {
        for file in LAYOUT {
            assert!(!text(node, file).trim().is_empty(), "{file} of {} is missing or empty", node.display());
        }
    }
    // The spec's own cluster, which has no worker, was asked for this image, and its Secret is known from its own API. (The
    // other one may still tell of the spec before this one.)
    let worker = workers.first().expect("a worker").display().to_string();
    let run_s = PathBuf::from(worker.replace("-worker", "-control-plane"));
    let own = nodes.iter().find(|node| **node != run_s).expect("a node of the spec's own cluster");
    assert!(text(own, "kubelet.log").contains("registry.invalid/(masked):1"), "{}", text(own, "kubelet.log"));
    assert_eq!(attempt["uncollected"].as_array().map_or(0, Vec::len), 0, "{}", attempt["uncollected"]);
}

#[test]
fn a_run_whose_cluster_does_not_come_up_leaves_what_its_nodes_knew_and_nothing_else() {
    // The run reaps at its start.
    let _alone = REAPING.blocking_lock();
    let (_folder, home) = home();
    let report = tempfile::tempdir().unwrap();
    let image = empty_image(&format!("seatrial.test/hulk:{}", std::process::id()), own_architecture());
    let program = suite("passing").arg("is refused twice").env("SEATRIAL_TIER", "kind");
    let program = program.env("SEATRIAL_KIND_HOME", home.path()).env("SEATRIAL_REPORT", report.path());
    let ran = program.env("SEATRIAL_NODE_IMAGE", &image.0).env("SEATRIAL_KIND_NODES", "1").run();
    assert_eq!(ran.code, Some(101), "{}\n{}", ran.stdout, ran.stderr);
    let [folder] =
        std::fs::read_dir(report.path().join("artefacts")).unwrap().collect::<Vec<_>>().try_into().unwrap();
    let folder = folder.unwrap();
    let name = folder.file_name().into_string().unwrap();
    let told = format!("\n    what its nodes knew is in {}\n  next: ", folder.path().display());
    assert!(ran.stdout.contains(&told), "{told:?} is not in\n{}", ran.stdout);
    let node = folder.path().join("nodes").join(format!("{name}-control-plane"));
    assert!(text(&node, "inspect.json").contains(&image.0), "{}", text(&node, "inspect.json"));
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}
