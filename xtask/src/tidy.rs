//! Checks of the workspace's rules for layout, dependencies and documentation, as tests of this crate.

#![cfg(test)]

mod claims;
mod code_map;
mod crates;
mod links;
mod modules;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the workspace's crates.
const CRATES: [&str; 7] =
    ["fixtures", "fakeclient", "envtest", "e2e", "operator-under-test", "xtask", "xtask/generate"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Every Rust file of the workspace with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for folder in CRATES {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    // The folder of one crate is in that of another.
    files.dedup();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is text");
            (path.strip_prefix(root()).expect("below the root").to_owned(), text)
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a crate is a folder") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[track_caller]
fn assert_clean(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

fn violations(check: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let about =
        |(path, text): (PathBuf, String)| check(&text).map(|why| format!("{}: {why}", path.display()));
    sources().into_iter().filter_map(about).collect()
}
