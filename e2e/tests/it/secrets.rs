//! Whatever a spec fails with, a Secret's value is in nothing that is written about it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::decompress_to_vec_zlib;

use crate::program::{Ran, suite};

/// The Secret's values as the specs set and expect them; each is looked for in plain and in base64.
const VALUES: [&str; 2] = ["hunter2-of-the-deep", "wrong-but-secret"];

#[track_caller]
fn holds_no_secret(what: &str, text: &str) {
    for value in VALUES {
        // Of the encoded value what does not depend on what stands behind it.
        let encoded = STANDARD.encode(value);
        let encoded = &encoded[..encoded.len() / 4 * 4 - 4];
        for value in [value, encoded] {
            let at = text.find(value);
            let around = at.map(|at| &text[text[..at].rfind('\n').unwrap_or(0)..at]);
            assert!(at.is_none(), "{value} is in {what}, behind {around:?}");
        }
    }
}

fn files(folder: &Path, with: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() { files(&entry.path(), with) } else { with(&entry.path()) }
    }
}

/// What the page's script reads.
fn unpacked(page: &str) -> String {
    let (_, rest) = page.split_once(r#"id="data">"#).expect("the page has data");
    let packed = STANDARD.decode(rest.split_once("</script>").expect("they end").0.trim()).expect("base64");
    String::from_utf8(decompress_to_vec_zlib(&packed).expect("packed text")).expect("JSON")
}

fn all_failed(ran: &Ran) {
    assert_eq!(ran.code, Some(101), "{}", ran.stderr);
    assert!(ran.stdout.contains("0 passed; 5 failed;"), "{}", ran.stdout);
    holds_no_secret("standard output", &ran.stdout);
    holds_no_secret("standard error", &ran.stderr);
    // They have told of the values, or nothing was hidden here.
    for spec in ["waits for another value", "sees the value change", "looks at all of them and by kind"] {
        let story = ran.story(&format!("Vault / {spec}"));
        assert!(story.contains("password: (masked, "), "{story}");
    }
    let story = ran.story("Vault / sees the value change");
    assert!(story.contains("\n  last seen: Some({\"password\": ByteString("), "{story}");
    let story = ran.story("Vault / compares what it read");
    assert!(story.contains("\n  value: \"(masked)\"") && story.contains("  found (masked)"), "{story}");
    assert!(ran.story("Vault / panics over it").starts_with("panicked: (masked) is wrong"));
}

#[test]
fn no_value_of_a_secret_is_written_anywhere() {
    let report = tempfile::tempdir().unwrap();
    all_failed(&suite("secrets").run());
    all_failed(&suite("secrets").env("SEATRIAL_REPORT", report.path()).env("GITHUB_ACTIONS", "true").run());
    let mut seen = 0;
    files(report.path(), &mut |file| {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        holds_no_secret(&file.display().to_string(), &text);
        if file.ends_with("report.html") {
            holds_no_secret("the page's data", &unpacked(&text));
        }
        seen += usize::from(file.ends_with("secrets.yaml") || file.ends_with("process.log"));
    });
    assert_eq!(seen, 6, "the Secrets of five specs, and the log of one");
}

#[test]
fn known_secret_values_are_redacted_while_the_spec_runs() {
    for spec in ["waits for another value", "sees the value change", "looks at all of them"] {
        let ran = suite("secrets").arg(spec).env("SEATRIAL_PROGRESS_AFTER", "1ms").arg("--nocapture").run();
        assert!(ran.stdout.contains("0 passed; 1 failed;"), "{}", ran.stdout);
        holds_no_secret("standard error", &ran.stderr);
    }
}
