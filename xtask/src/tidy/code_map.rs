//! The code map of ARCHITECTURE.md and the tree.

use std::collections::BTreeSet;
use std::fs;

use super::{CRATES, assert_clean, root};

/// The differences between the code map of ARCHITECTURE.md and the tree.
fn map_differences(map: &str, tree: &BTreeSet<String>) -> Vec<String> {
    let mut named = BTreeSet::new();
    for line in map.lines() {
        if let Some(path) = line.trim_start().strip_prefix("- `").and_then(|rest| rest.split('`').next()) {
            named.insert(path.trim_end_matches('/').to_owned());
        }
    }
    let gone = named.difference(tree).map(|path| format!("the code map names {path}, which is not there"));
    let silent = tree.difference(&named).map(|path| format!("the code map is silent about {path}"));
    gone.chain(silent).collect()
}

/// The entries of a complete code map: crates, and the folders and files (without extension) in their `src`. A file with
/// the errors of a crate needs no entry.
fn code_map_entries() -> BTreeSet<String> {
    let mut entries = BTreeSet::new();
    for folder in CRATES {
        entries.insert(folder.to_owned());
        for entry in fs::read_dir(root().join(folder).join("src")).expect("a crate has sources") {
            let path = entry.expect("a folder can be listed").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let error_file = stem == "error" && path.is_file();
            if !matches!(stem, "lib" | "main") && !error_file {
                entries.insert(format!("{folder}/src/{stem}"));
            }
        }
    }
    entries
}

#[test]
fn the_code_map_equals_the_tree() {
    assert_eq!(map_differences("- `a/b/` x\n", &BTreeSet::from(["a/c".to_owned()])).len(), 2);
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let map =
        text.split("## Code map").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    assert_clean(&map_differences(map, &code_map_entries()));
}
