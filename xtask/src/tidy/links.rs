//! Links between the documents of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use super::{CRATES, assert_clean, root};

/// The documents: Markdown files of the workspace and of its crates.
fn documents() -> Vec<PathBuf> {
    let folders = CRATES.iter().map(|folder| root().join(folder)).chain([root().to_owned()]);
    let entries = folders.flat_map(|folder| fs::read_dir(folder).expect("a crate is a folder"));
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The relative targets of a document's links that do not exist.
fn broken(text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files =
        targets.filter(|target| !target.contains("://")).filter_map(|target| target.split('#').next());
    files.filter(|file| !file.is_empty() && !exists(file)).map(str::to_owned).collect()
}

#[test]
fn links_lead_to_files() {
    let text = "[a](a.md) [b](b/c.md#d) [c](https://example.com) [d](#e)";
    assert_eq!(broken(text, |file| file == "a.md"), ["b/c.md"]);
    let of = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a document is text");
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let broken = broken(&text, |file| folder.join(file).exists());
        broken.into_iter().map(|file| format!("{}: {file} is not there", path.display())).collect::<Vec<_>>()
    };
    let documents = documents();
    assert!(documents.len() > 5, "the documents were not found: {documents:?}");
    assert_clean(&documents.iter().flat_map(of).collect::<Vec<_>>());
}
