//! The modules of this crate depend one way: each on those above it in this list, and on no other.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top.
const ORDER: [&str; 25] = [
    "type_map",
    "span",
    "signal",
    "managed_fields",
    "redaction",
    "display",
    "report",
    "failure",
    "interrupt",
    "labels",
    "need",
    "options",
    "attempt_log",
    "watch",
    "artefacts",
    "context",
    "expect",
    "audit",
    "webhooks",
    "deploy",
    "docker",
    "node_image",
    "kind",
    "tier",
    "spec",
];

/// Modules that exist for tests alone.
const TESTS: [&str; 4] =
    ["artefacts/on_the_fake.rs", "expect/scripted.rs", "docker/scripted.rs", "kind/fault/undone.rs"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a file names in code which is not for tests: `crate::watch::Selection` names `watch`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1)).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

fn rank(module: &str) -> Option<usize> {
    // These are exported at the root.
    let module = if matches!(module, "matchers" | "stop") { "expect" } else { module };
    let module = if matches!(module, "mins" | "secs") { "span" } else { module };
    ORDER.iter().position(|name| *name == module)
}

#[test]
fn modules_depend_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut complaints = Vec::new();
    for path in all {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let module = file.split(['/', '.']).next().unwrap();
        if module == "lib" || TESTS.contains(&file.as_str()) {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} has no place in the order"));
        for name in named(&fs::read_to_string(&path).unwrap()) {
            match rank(name) {
                Some(other) if other <= own => {}
                Some(_) => complaints.push(format!("{file} uses {name}, which is above {module}")),
                None => complaints.push(format!("{file} uses {name}, which has no place in the order")),
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
