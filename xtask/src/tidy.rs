//! Checks of the workspace's rules for layout, dependencies and documentation, as tests of this crate.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The maximum number of lines of a file before its tests.
const MAX_FILE_LINES: usize = 600;
/// The maximum number of lines of a function.
const MAX_FUNCTION_LINES: usize = 70;

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

/// The folders whose doc comments are checked by [`vague_opening`].
const CHECKED_DOCS: [&str; 5] = ["fixtures", "fakeclient", "envtest", "operator-under-test", "xtask"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Every Rust file of the workspace with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for (folder, _) in ALLOWED_DEPENDENCIES {
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

fn missing_module_doc(text: &str) -> Option<String> {
    (!text.starts_with("//! ")).then(|| "has no module doc (`//!`) in its first line".to_owned())
}

fn long_file(text: &str) -> Option<String> {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    (lines > MAX_FILE_LINES)
        .then(|| format!("has {lines} lines before its tests; {MAX_FILE_LINES} is the most"))
}

/// Finds functions by indentation: rustfmt aligns the closing brace with the first line.
fn long_function(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let starts = code.split("fn ").next().is_some_and(|before| {
            before.split_whitespace().all(|word| {
                matches!(word, "pub" | "pub(crate)" | "pub(super)" | "async" | "const" | "unsafe" | "extern")
            })
        });
        if !starts || !code.contains("fn ") || code.ends_with(';') || code.ends_with('}') {
            continue;
        }
        let close = format!("{indent}}}");
        let length = lines[at..].iter().position(|line| **line == *close).unwrap_or(0);
        if length > MAX_FUNCTION_LINES {
            return Some(format!(
                "line {}: a function of {length} lines; {MAX_FUNCTION_LINES} is the most",
                at + 1
            ));
        }
    }
    None
}

fn unfinished(text: &str) -> Option<String> {
    // Written in two parts, so that this file passes the check.
    let marks = [["FIX", "ME"], ["TO", "DO"], ["XX", "X:"], ["todo!", "("], ["unimplemented!", "("]]
        .map(|p| p.concat());
    marks
        .iter()
        .find(|mark| text.contains(mark.as_str()))
        .map(|mark| format!("has an unfinished mark ({mark})"))
}

fn silent_ignore(text: &str) -> Option<String> {
    let bare = ["#[igno", "re]"].concat();
    text.contains(&bare).then(|| "ignores a test without a reason".to_owned())
}

/// The opening of a doc comment that does not name its item, with its line.
fn vague_opening(text: &str) -> Option<String> {
    let doc = |line: &str| {
        let line = line.trim_start();
        ["//!", "///"].into_iter().find(|marker| line.starts_with(marker))
    };
    let mut last = None;
    for (at, line) in text.lines().enumerate() {
        let marker = doc(line);
        if marker.is_some() && marker != last {
            let mut words = line.trim_start()[3..].split_whitespace();
            let opening = match (words.next(), words.next()) {
                (Some(word @ ("What" | "Who" | "Whether" | "Where" | "How")), _) => Some(word),
                (Some("That"), Some("which")) => Some("That which"),
                _ => None,
            };
            if let Some(opening) = opening {
                return Some(format!("line {}: a doc comment opens with {opening:?}", at + 1));
            }
        }
        last = marker;
    }
    None
}

/// Polling with a sleep is allowed if it has a deadline.
fn sleep_in_test(path: &Path, text: &str) -> Option<String> {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    let call = ["thread::slee", "p("].concat();
    let lines: Vec<&str> = text.lines().collect();
    let blind = lines.iter().enumerate().any(|(at, line)| {
        let before = &lines[at.saturating_sub(8)..at];
        line.contains(&call) && !before.iter().any(|line| line.contains("deadline"))
    });
    (in_tests && blind).then(|| "waits by sleeping".to_owned())
}

/// Module files that no `mod` declares, which are never compiled.
fn orphans(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut named = BTreeSet::new();
    for (path, text) in files {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let folder = path.parent().expect("a file has a folder");
        let below =
            if matches!(stem, "mod" | "lib" | "main") { folder.to_owned() } else { folder.join(stem) };
        let mut place = None;
        for line in text.lines().map(str::trim) {
            if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
                place = Some(folder.join(path));
            }
            let words = line.strip_suffix(';').unwrap_or_default().split_whitespace();
            let mut words = words.skip_while(|word| word.starts_with("pub"));
            if let (Some("mod"), Some(name)) = (words.next(), words.next()) {
                named.extend(place.take());
                named.insert(below.join(format!("{name}.rs")));
                named.insert(below.join(name).join("mod.rs"));
            }
        }
    }
    let is_root = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let parent =
            path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        matches!(name, "lib.rs" | "main.rs" | "build.rs")
            || matches!(parent, "tests" | "benches" | "examples" | "bin" | "suites")
    };
    let lost = files.iter().map(|(path, _)| path).filter(|path| !is_root(path) && !named.contains(*path));
    lost.map(|path| format!("{}: no `mod` names it, so it is never compiled", path.display())).collect()
}

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
    let folders = ALLOWED_DEPENDENCIES.iter().map(|(folder, _)| root().join(folder).join("Cargo.toml"));
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

/// The entries of a complete code map: crates, and the folders and files (without extension) in their `src`.
fn code_map_entries() -> BTreeSet<String> {
    let mut entries = BTreeSet::new();
    for (folder, _) in ALLOWED_DEPENDENCIES {
        entries.insert(folder.to_owned());
        for entry in fs::read_dir(root().join(folder).join("src")).expect("a crate has sources") {
            let path = entry.expect("a folder can be listed").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if !matches!(stem, "lib" | "main" | "error") {
                entries.insert(format!("{folder}/src/{stem}"));
            }
        }
    }
    entries
}

#[test]
fn every_file_has_a_module_doc() {
    assert!(missing_module_doc("use std;\n").is_some());
    assert_clean(&violations(missing_module_doc));
}

#[test]
fn files_and_functions_are_within_the_limits() {
    assert!(long_file(&"x\n".repeat(MAX_FILE_LINES + 1)).is_some());
    let function = format!("fn f() {{\n{}}}\n", "    x;\n".repeat(MAX_FUNCTION_LINES + 1));
    assert!(long_function(&function).is_some());
    assert_clean(&violations(long_file));
    assert_clean(&violations(long_function));
}

#[test]
fn there_are_no_unfinished_marks_and_unexplained_ignores() {
    assert!(unfinished(&["// FIX", "ME"].concat()).is_some());
    assert!(silent_ignore(&["#[igno", "re]"].concat()).is_some());
    assert_clean(&violations(unfinished));
    assert_clean(&violations(silent_ignore));
}

#[test]
fn no_test_sleeps_without_a_deadline() {
    let call = ["std::thread::slee", "p(second)"].concat();
    assert!(sleep_in_test(Path::new("a/tests/b.rs"), &call).is_some());
    let found = sources().into_iter().filter_map(|(path, text)| {
        sleep_in_test(&path, &text).map(|why| format!("{}: {why}", path.display()))
    });
    assert_clean(&found.collect::<Vec<_>>());
}

#[test]
fn doc_comments_name_their_item() {
    for opening in
        ["/// What it is.", "    //! Whether it is.", "/// That which is.", "fn f() {}\n/// How it is."]
    {
        assert!(vague_opening(opening).is_some(), "{opening:?}");
    }
    assert_eq!(vague_opening("/// A thing,\n/// What follows is no opening.\n//// Who\n"), None);
    let found =
        sources().into_iter().filter(|(path, _)| CHECKED_DOCS.iter().any(|folder| path.starts_with(folder)));
    let found = found.filter_map(|(path, text)| {
        vague_opening(&text).map(|why| format!("{}: {why}; name the item", path.display()))
    });
    assert_clean(&found.collect::<Vec<_>>());
}

#[test]
fn every_module_file_is_declared() {
    let lost = [("a/src/lib.rs".into(), "mod b;".to_owned()), ("a/src/c.rs".into(), String::new())];
    assert_eq!(orphans(&lost), ["a/src/c.rs: no `mod` names it, so it is never compiled"]);
    assert_clean(&orphans(&sources()));
}

#[test]
fn dependencies_point_one_way() {
    assert!(!forbidden("fakeclient", "[dependencies]\nseatrial-e2e.workspace = true\n").is_empty());
    for (folder, _) in ALLOWED_DEPENDENCIES {
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
    let folders =
        ALLOWED_DEPENDENCIES.iter().map(|(folder, _)| root().join(folder)).chain([root().to_owned()]);
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

#[test]
fn the_code_map_equals_the_tree() {
    assert_eq!(map_differences("- `a/b/` x\n", &BTreeSet::from(["a/c".to_owned()])).len(), 2);
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let map =
        text.split("## Code map").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    assert_clean(&map_differences(map, &code_map_entries()));
}

#[test]
fn object_and_store_use_no_runtime_clock_or_randomness() {
    let impure = ["tokio::", "SystemTime", "Instant::now", "Timestamp::now", "rand::"];
    let found = sources().into_iter().filter(|(path, _)| {
        path.starts_with("fakeclient/src/object") || path.starts_with("fakeclient/src/store")
    });
    let found = found.filter_map(|(path, text)| {
        let mark = impure.iter().find(|mark| text.contains(**mark))?;
        Some(format!("{}: uses {mark}", path.display()))
    });
    assert_clean(&found.collect::<Vec<_>>());
}
