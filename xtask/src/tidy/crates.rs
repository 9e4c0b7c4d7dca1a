//! Dependencies between the workspace's crates.

use std::collections::BTreeSet;
use std::fs;

use super::{CRATES, assert_clean, root};

/// Crate folder → workspace crates allowed in its `[dependencies]` (ARCHITECTURE.md).
const ALLOWED_DEPENDENCIES: [(&str, &[&str]); 7] = [
    ("fixtures", &[]),
    ("fakeclient", &[]),
    ("envtest", &["seatrial-fixtures"]),
    ("e2e", &["seatrial-envtest", "seatrial-fakeclient"]),
    ("operator-under-test", &[]),
    (
        "xtask",
        &[
            "seatrial-e2e",
            "seatrial-envtest",
            "seatrial-fakeclient",
            "seatrial-fixtures",
            "seatrial-operator",
        ],
    ),
    ("xtask/generate", &["seatrial-envtest"]),
];

/// Crate folder → further workspace crates allowed in its `[dev-dependencies]`.
const ALLOWED_DEV_DEPENDENCIES: [(&str, &[&str]); 3] = [
    ("fakeclient", &["seatrial-fixtures"]),
    ("operator-under-test", &["seatrial-e2e", "seatrial-fakeclient"]),
    ("xtask/generate", &["seatrial-fixtures"]),
];

/// The workspace crates in a section of a manifest.
fn uses(manifest: &str, section: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == format!("[{section}]");
        } else if inside && line.starts_with("seatrial-") {
            found.insert(line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned());
        }
    }
    found
}

fn forbidden(folder: &str, manifest: &str) -> Vec<String> {
    let allowed = |table: &[(&str, &[&str])]| -> BTreeSet<String> {
        let row = table.iter().find(|(of, _)| *of == folder);
        row.into_iter().flat_map(|(_, crates)| crates.iter().map(|name| (*name).to_owned())).collect()
    };
    let (dependencies, dev_dependencies) =
        (allowed(&ALLOWED_DEPENDENCIES), allowed(&ALLOWED_DEV_DEPENDENCIES));
    let direct = uses(manifest, "dependencies").into_iter().filter(|name| !dependencies.contains(name));
    let tests = uses(manifest, "dev-dependencies");
    let tests =
        tests.into_iter().filter(|name| !dependencies.contains(name) && !dev_dependencies.contains(name));
    direct.chain(tests).map(|name| format!("{folder} may not know {name}")).collect()
}

/// The manifest of a workspace crate by its name.
fn manifest_of(name: &str) -> String {
    let folders = CRATES.iter().map(|folder| root().join(folder).join("Cargo.toml"));
    let mut manifests = folders.map(|path| fs::read_to_string(path).expect("a crate has a manifest"));
    let line = format!("name = \"{name}\"");
    manifests.find(|text| text.lines().any(|other| other == line)).expect("a crate of the workspace")
}

/// The workspace crates that are built with a crate or its tests, transitively.
fn reached(name: &str, manifest_of: impl Fn(&str) -> String) -> BTreeSet<String> {
    let manifest = manifest_of(name);
    let mut open: Vec<_> = uses(&manifest, "dependencies").into_iter().collect();
    open.extend(uses(&manifest, "dev-dependencies"));
    let mut reached = BTreeSet::new();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone()) {
            open.extend(uses(&manifest_of(&next), "dependencies"));
        }
    }
    reached
}

#[test]
fn dependencies_point_one_way() {
    assert!(!forbidden("fakeclient", "[dependencies]\nseatrial-e2e.workspace = true\n").is_empty());
    for folder in CRATES {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a crate has a manifest");
        assert_clean(&forbidden(folder, &manifest));
    }
}

#[test]
fn the_generator_does_not_depend_on_the_fake() {
    let chain = |name: &str| match name {
        "seatrial-generate" => "[dependencies]\nseatrial-envtest.workspace = true\n".to_owned(),
        "seatrial-envtest" => "[dependencies]\nseatrial-fakeclient.workspace = true\n".to_owned(),
        _ => String::new(),
    };
    assert!(reached("seatrial-generate", chain).contains("seatrial-fakeclient"));
    let reached = reached("seatrial-generate", manifest_of);
    for name in ["seatrial-fakeclient", "seatrial-e2e", "seatrial-operator"] {
        assert!(!reached.contains(name), "it is built with {reached:?}");
    }
}

#[test]
fn no_crate_selects_a_version_of_kubernetes() {
    assert!(selects_version("k8s-openapi = { version = \"1\", features = [\"v1_37\"] }"));
    let folders = CRATES.iter().map(|folder| root().join(folder)).chain([root().to_owned()]);
    for manifest in folders.map(|folder| folder.join("Cargo.toml")) {
        let text = fs::read_to_string(&manifest).expect("a crate has a manifest");
        let picks: Vec<_> = text.lines().filter(|line| selects_version(line)).collect();
        assert!(picks.is_empty(), "{}: whoever builds it chooses: {picks:?}", manifest.display());
    }
}

/// True if a line of a manifest enables a version feature of k8s-openapi.
fn selects_version(line: &str) -> bool {
    line.starts_with("k8s-openapi") && ["v1_", "latest", "earliest"].iter().any(|word| line.contains(word))
}
