//! Rules for the text of a file, and for the declaration of module files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{assert_clean, sources, violations};

/// The maximum number of lines of a file before its tests.
const MAX_FILE_LINES: usize = 600;
/// The maximum number of lines of a function.
const MAX_FUNCTION_LINES: usize = 70;

/// The folders whose doc comments are checked by [`vague_opening`].
const CHECKED_DOCS: [&str; 5] = ["fixtures", "fakeclient", "envtest", "operator-under-test", "xtask"];

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
