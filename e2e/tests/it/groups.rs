//! What groups of each sort make of their specs.

use std::sync::OnceLock;

use crate::program::{Ran, in_memory, suite};

fn fleet() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("groups").arg("Fleet").run())
}

fn wreck() -> &'static Ran {
    static RAN: OnceLock<Ran> = OnceLock::new();
    RAN.get_or_init(|| suite("groups").arg("Wreck").run())
}

#[test]
fn a_circumstance_begins_with_when_and_a_table_has_a_spec_for_each_row() {
    let expected = [
        "Fleet / measures a depth that is / deep",
        "Fleet / measures a depth that is / shallow",
        "Fleet / over its life",
        "Fleet / that shares a harbour / moors",
        "Fleet / that shares a harbour / reads the chart",
        "Fleet / that shares a harbour / with a lighthouse / sees the light",
        "Fleet / when the wind drops / waits",
    ];
    assert_eq!((fleet().ended("ok"), fleet().code), (expected.to_vec(), Some(0)), "{}", fleet().stderr);
    assert_eq!(fleet().told("deep"), ["100 fathoms"]);
    assert_eq!(fleet().told("shallow"), ["1 fathoms"]);
}

#[test]
fn pending_specs_and_rows_are_skipped_with_their_reason() {
    let expected = [
        "[pending: no insurer was found] Fleet / is insured",
        "[pending: no line is long enough] Fleet / measures a depth that is / abyssal",
    ];
    assert_eq!(fleet().ended("ignored"), expected);
}

#[test]
fn a_pending_spec_that_is_forced_to_run_runs_if_it_is_written() {
    let ran = in_memory("groups").arg("--ignored").arg("Fleet").run();
    assert_eq!(ran.told("abyssal"), ["6000 fathoms"]);
    assert_eq!(ran.story("Fleet / is insured"), "the spec has no body");
}

#[test]
fn a_group_s_labels_and_a_row_s_own_choose_rows() {
    let ran = in_memory("groups").env("SEATRIAL_LABELS", "depth && !edge").run();
    assert_eq!(ran.ended("ok"), ["Fleet / measures a depth that is / shallow"]);
}

#[test]
fn a_shared_harbour_is_made_once_and_undone_after_the_last_of_its_specs() {
    let group = "that shares a harbour";
    assert_eq!(fleet().told(group), ["before_all", "after_all", "deferred by before_all"]);
    assert_eq!(fleet().told("with a lighthouse"), ["inner before_all", "inner after_all"]);
    for spec in ["moors", "reads the chart"] {
        assert_eq!(fleet().told(spec), ["before_each", "deferred by the spec"]);
    }
    let at = |text: &str| fleet().stderr.find(text).unwrap_or_else(|| panic!("{text}: {}", fleet().stderr));
    for spec in ["told moors: ", "told reads the chart: ", "told with a lighthouse: inner"] {
        let begin = at("told that shares a harbour: before_all");
        assert!(
            (begin..at("told that shares a harbour: after_all")).contains(&at(spec)),
            "{}",
            fleet().stderr
        );
    }
}

#[test]
fn single_spec_of_a_shared_group_runs_with_the_group_s_hooks() {
    let ran = in_memory("groups").arg("--exact").arg("Fleet / that shares a harbour / moors").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(ran.told("that shares a harbour"), ["before_all", "after_all", "deferred by before_all"]);
    assert!(ran.told("with a lighthouse").is_empty(), "{}", ran.stderr);
}

#[test]
fn ordered_group_is_one_test_and_each_spec_is_in_the_report() {
    let listed = in_memory("groups").arg("--list").arg("--format").arg("terse").run().stdout;
    let story: Vec<_> = listed.lines().filter(|line| line.contains("over its life")).collect();
    assert_eq!(story, ["Fleet / over its life: test"]);
    let folder = tempfile::tempdir().unwrap();
    // A part's name chooses the story.
    let ran = in_memory("groups").arg("is at sea").env("SEATRIAL_REPORT", folder.path()).run();
    assert_eq!(ran.ended("ok"), ["Fleet / over its life"]);
    let report = crate::reports::report(folder.path());
    let outcome = |name: &str| {
        let name = format!("Fleet / over its life / {name}");
        let specs = report["specs"].as_array().unwrap();
        let spec = specs.iter().find(|spec| spec["name"] == name.as_str()).unwrap();
        (spec["outcome"].as_str().unwrap().to_owned(), spec["reason"].as_str().map(str::to_owned))
    };
    assert_eq!(outcome("when it sails / is at sea"), ("passed".into(), None));
    assert_eq!(outcome("is named"), ("pending".into(), Some("nobody has a name for it".into())));
    assert_eq!(report["passed"], 3);
}

#[test]
fn failure_in_an_ordered_group_skips_the_rest_with_a_reason() {
    assert!(wreck().told("comes home").is_empty());
    assert_eq!(wreck().told("in the middle of a story"), ["after_all"]);
    let story = wreck().story("Wreck / in the middle of a story");
    assert!(story.starts_with("hits a rock: expected it to equal \"water\""), "{story}");
    let rest = "comes home: left out: \"Wreck / in the middle of a story / hits a rock\" failed before it";
    assert!(story.contains(rest), "{story}");
}

#[test]
fn a_failed_before_all_fails_all_specs_and_after_all_runs_all_the_same() {
    for spec in ["sails", "fishes"] {
        let story = wreck().story(&format!("Wreck / before anybody is aboard / {spec}"));
        let begin = "before_all of \"Wreck / before anybody is aboard\": no harbour\n  at e2e/tests/suites/groups.rs:";
        assert!(story.starts_with(begin), "{story}");
    }
    assert_eq!(wreck().told("before anybody is aboard"), ["after_all"]);
}

#[test]
fn a_failed_after_all_is_reported_with_the_last_of_the_specs() {
    let ended = |how| wreck().ended(how).into_iter().filter(|name| name.contains("has left")).count();
    assert_eq!((ended("ok"), ended("FAILED")), (1, 1), "{}", wreck().stdout);
    let story = "after_all of \"Wreck / after everybody has left\": the harbour burns\n";
    assert!(wreck().stdout.contains(story), "{}", wreck().stdout);
}

#[test]
fn expectations_of_before_all_do_not_count_for_the_spec() {
    let story = wreck().story("Wreck / whose crew trusts the harbour / asserts nothing");
    assert!(story.starts_with("a spec that asserted nothing"), "{story}");
}
