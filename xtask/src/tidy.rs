//! The house's rules that a machine can check. Runs as a test of this crate, so `cargo test` is enough.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file before its tests, at most.
const FILE: usize = 600;
/// Lines of a function, at most.
const FUNCTION: usize = 70;

/// Who may know whom (ARCHITECTURE.md): crate folder → workspace crates in its `[dependencies]`.
const MAY_USE: [(&str, &[&str]); 7] = [
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

/// The same for `[dev-dependencies]`, beside the above.
const MAY_TEST_WITH: [(&str, &[&str]); 3] = [
    ("fakeclient", &["seatrial-fixtures"]),
    ("operator-under-test", &["seatrial-e2e", "seatrial-fakeclient"]),
    ("xtask/generate", &["seatrial-fixtures"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Every Rust file of the workspace with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for (folder, _) in MAY_USE {
        collect(&root().join(folder), &mut files);
    }
    files.sort();
    // One room lies in another one.
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
    for entry in fs::read_dir(folder).expect("a room of the house is a folder") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[track_caller]
fn holds(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn complaints(check: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let about =
        |(path, text): (PathBuf, String)| check(&text).map(|why| format!("{}: {why}", path.display()));
    sources().into_iter().filter_map(about).collect()
}

fn head(text: &str) -> Option<String> {
    (!text.starts_with("//! ")).then(|| "opens without a `//!` line that says why it exists".to_owned())
}

fn length(text: &str) -> Option<String> {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    (lines > FILE).then(|| format!("has {lines} lines before its tests; {FILE} is the most"))
}

/// Functions by indentation: rustfmt has put the closing brace under the line that opens.
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
        if length > FUNCTION {
            return Some(format!("line {}: a function of {length} lines; {FUNCTION} is the most", at + 1));
        }
    }
    None
}

fn unfinished(text: &str) -> Option<String> {
    // Written in two parts, so that this file does not complain of itself.
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

/// A pause between two looks at a condition is fine where the looking ends at a deadline.
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

/// Module files that no `mod` names never compile.
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

/// Workspace crates in one section of a manifest.
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
    let (may_use, may_test) = (allowed(&MAY_USE), allowed(&MAY_TEST_WITH));
    let direct = uses(manifest, "dependencies").into_iter().filter(|name| !may_use.contains(name));
    let tests = uses(manifest, "dev-dependencies");
    let tests = tests.into_iter().filter(|name| !may_use.contains(name) && !may_test.contains(name));
    direct.chain(tests).map(|name| format!("{folder} may not know {name}")).collect()
}

/// The manifest of a workspace crate by its name.
fn manifest_of(name: &str) -> String {
    let folders = MAY_USE.iter().map(|(folder, _)| root().join(folder).join("Cargo.toml"));
    let mut manifests = folders.map(|path| fs::read_to_string(path).expect("a crate has a manifest"));
    let line = format!("name = \"{name}\"");
    manifests.find(|text| text.lines().any(|other| other == line)).expect("a crate of the workspace")
}

/// Workspace crates that are built with a crate, however they come to it, or with its tests.
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

/// Folders and files that the code map of ARCHITECTURE.md names, against those that are there.
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

/// The rooms: crates, and what stands directly in their `src` (folders by themselves, files without their ending).
fn rooms() -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (folder, _) in MAY_USE {
        rooms.insert(folder.to_owned());
        for entry in fs::read_dir(root().join(folder).join("src")).expect("a crate has sources") {
            let path = entry.expect("a folder can be listed").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if !matches!(stem, "lib" | "main" | "error") {
                rooms.insert(format!("{folder}/src/{stem}"));
            }
        }
    }
    rooms
}

#[test]
fn every_file_says_why_it_exists() {
    assert!(head("use std;\n").is_some());
    holds(&complaints(head));
}

#[test]
fn no_file_and_no_function_has_grown_too_long() {
    assert!(length(&"x\n".repeat(FILE + 1)).is_some());
    let function = format!("fn f() {{\n{}}}\n", "    x;\n".repeat(FUNCTION + 1));
    assert!(long_function(&function).is_some());
    holds(&complaints(length));
    holds(&complaints(long_function));
}

#[test]
fn nothing_is_left_unfinished_or_ignored_in_silence() {
    assert!(unfinished(&["// FIX", "ME"].concat()).is_some());
    assert!(silent_ignore(&["#[igno", "re]"].concat()).is_some());
    holds(&complaints(unfinished));
    holds(&complaints(silent_ignore));
}

#[test]
fn no_test_waits_by_sleeping() {
    let call = ["std::thread::slee", "p(second)"].concat();
    assert!(sleep_in_test(Path::new("a/tests/b.rs"), &call).is_some());
    let found = sources().into_iter().filter_map(|(path, text)| {
        sleep_in_test(&path, &text).map(|why| format!("{}: {why}", path.display()))
    });
    holds(&found.collect::<Vec<_>>());
}

#[test]
fn every_module_file_is_named_by_a_mod() {
    let lost = [("a/src/lib.rs".into(), "mod b;".to_owned()), ("a/src/c.rs".into(), String::new())];
    assert_eq!(orphans(&lost), ["a/src/c.rs: no `mod` names it, so it is never compiled"]);
    holds(&orphans(&sources()));
}

#[test]
fn dependencies_point_one_way() {
    assert!(!forbidden("fakeclient", "[dependencies]\nseatrial-e2e.workspace = true\n").is_empty());
    for (folder, _) in MAY_USE {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a crate has a manifest");
        holds(&forbidden(folder, &manifest));
    }
}

#[test]
fn the_generator_knows_neither_the_fake_that_includes_what_it_writes_nor_who_knows_the_fake() {
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
fn no_crate_picks_a_version_of_kubernetes() {
    assert!(picks_a_version("k8s-openapi = { version = \"1\", features = [\"v1_37\"] }"));
    let folders = MAY_USE.iter().map(|(folder, _)| root().join(folder)).chain([root().to_owned()]);
    for manifest in folders.map(|folder| folder.join("Cargo.toml")) {
        let text = fs::read_to_string(&manifest).expect("a crate has a manifest");
        let picks: Vec<_> = text.lines().filter(|line| picks_a_version(line)).collect();
        assert!(picks.is_empty(), "{}: whoever builds it chooses: {picks:?}", manifest.display());
    }
}

/// Whether a line of a manifest turns on one of k8s-openapi's versions.
fn picks_a_version(line: &str) -> bool {
    line.starts_with("k8s-openapi") && ["v1_", "latest", "earliest"].iter().any(|word| line.contains(word))
}

#[test]
fn the_code_map_of_the_architecture_equals_the_tree() {
    assert_eq!(map_differences("- `a/b/` x\n", &BTreeSet::from(["a/c".to_owned()])).len(), 2);
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let map =
        text.split("## Code map").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    holds(&map_differences(map, &rooms()));
}

#[test]
fn the_pure_rooms_know_neither_tokio_nor_a_clock() {
    let impure = ["tokio::", "SystemTime", "Instant::now", "Timestamp::now", "rand::"];
    let found = sources().into_iter().filter(|(path, _)| {
        path.starts_with("fakeclient/src/object") || path.starts_with("fakeclient/src/store")
    });
    let found = found.filter_map(|(path, text)| {
        let mark = impure.iter().find(|mark| text.contains(**mark))?;
        Some(format!("{}: uses {mark}", path.display()))
    });
    holds(&found.collect::<Vec<_>>());
}
