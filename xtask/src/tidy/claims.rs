//! The claims in bold of ARCHITECTURE.md, each with the test or the command that checks it.

use std::fs;

use super::{assert_clean, root};

/// The start of a claim, the file of its check, and a text in that file.
const CHECKS: [(&str, &str, &str); 11] = [
    ("the in-memory server answers", "xtask/src/ci.rs", "(\"fidelity\", Requirement::Binaries"),
    ("Only `endpoint` uses HTTP", "xtask/src/tidy/modules/mod.rs", "fn http_is_for_endpoint_alone"),
    (
        "`object` and `store` use no clock",
        "xtask/src/tidy/modules/mod.rs",
        "fn object_and_store_use_no_runtime",
    ),
    ("[SUPPORT.md]", "xtask/src/support/mod.rs", "fn the_support_table_says_what_the_fake_answers"),
    ("A failure is reported", "e2e/tests/it/secrets.rs", "fn no_value_of_a_secret_is_written_anywhere"),
    ("A run that gets Ctrl-C", "e2e/tests/it/interrupted.rs", "fn ctrl_c_ends_the_specs_that_run"),
    ("No child outlives", "envtest/tests/real/orphans.rs", "fn no_server_survives_a_parent"),
    ("The next run removes", "e2e/tests/docker/left.rs", "fn leftovers_of_a_killed_create_are_removed"),
    ("Crates depend on each other", "xtask/src/tidy/crates.rs", "fn dependencies_point_one_way"),
    ("The modules of `fakeclient`", "xtask/src/tidy/modules/mod.rs", "fn modules_of_the_fake_depend_one_way"),
    ("The modules of `e2e`", "e2e/tests/modules.rs", "fn modules_depend_one_way"),
];

/// The texts in bold of a document.
fn claims(text: &str) -> Vec<String> {
    let bold = text.split("**").skip(1).step_by(2);
    bold.map(|claim| claim.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Claims without a check, and checks without a claim.
fn unchecked(claims: &[String]) -> Vec<String> {
    let checked = |claim: &String| CHECKS.iter().any(|(start, ..)| claim.starts_with(start));
    let claimed = |start: &str| claims.iter().any(|claim| claim.starts_with(start));
    let open = claims.iter().filter(|claim| !checked(claim));
    let open = open.map(|claim| format!("{claim:?} is in bold, and tidy::claims names no check of it"));
    let stale = CHECKS.iter().filter(|(start, ..)| !claimed(start));
    let stale =
        stale.map(|(start, ..)| format!("ARCHITECTURE.md has no claim in bold that begins {start:?}"));
    open.chain(stale).collect()
}

#[test]
fn claims_in_bold_are_checked() {
    assert_eq!(claims("a **b\n c.** d **e**"), ["b c.", "e"]);
    assert_eq!(unchecked(&["It is fast.".to_owned()]).len(), 1 + CHECKS.len());
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    assert_clean(&unchecked(&claims(&text)));
    for (start, file, check) in CHECKS {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(text.contains(check), "{start:?} is checked by {check:?} in {file}, which is not there");
    }
}
