//! How a run goes about its specs: in which order, how many at once, how often, and what it says meanwhile.
//!
//! What answers the API makes no difference here, so these run in memory whatever the tests' tier is.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use crate::program::{Ran, in_memory};

fn order(arguments: &[(&str, &str)]) -> Vec<String> {
    let program = in_memory("order").arg("--test-threads=1");
    let ran = arguments.iter().fold(program, |program, (variable, value)| program.env(variable, value)).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    ran.told("order").into_iter().map(str::to_owned).collect()
}

fn groups(order: &[String]) -> Vec<char> {
    let mut groups: Vec<_> = order.iter().filter_map(|name| name.chars().next()).collect();
    groups.dedup();
    groups
}

#[test]
fn same_seed_gives_the_same_order() {
    let seven = order(&[("SEATRIAL_SEED", "7")]);
    assert_eq!(seven, order(&[("SEATRIAL_SEED", "7")]));
    assert_ne!(seven, order(&[("SEATRIAL_SEED", "8")]));
    assert_eq!(seven.iter().collect::<BTreeSet<_>>().len(), 15);
    assert!(groups(&seven).len() > 3, "the groups were kept together: {seven:?}");
}

#[test]
fn groups_are_kept_together_or_all_is_as_written_on_request() {
    let by_groups = order(&[("SEATRIAL_ORDER", "groups"), ("SEATRIAL_SEED", "7")]);
    let written = order(&[("SEATRIAL_ORDER", "written"), ("SEATRIAL_SEED", "7")]);
    assert_eq!(groups(&by_groups).len(), 3);
    assert_ne!(by_groups, written);
    assert_eq!(groups(&written), ['A', 'B', 'C']);
    assert!(written.is_sorted());
}

#[test]
fn the_seed_and_the_order_are_printed_before_the_first_spec() {
    let ran = in_memory("order").env("SEATRIAL_SEED", "7").arg("--test-threads=3").run();
    assert!(ran.stderr.contains(", seed 7, order mixed, 3 at once\n"), "{}", ran.stderr);
}

#[test]
fn specs_run_at_once_and_a_serial_one_runs_alone_after_them() {
    let ran = in_memory("crowd").arg("--test-threads=2").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(ran.stdout.find("Crowd / alone") > ran.stdout.find("Crowd / two"), "{}", ran.stdout);
}

fn flaky() -> Ran {
    in_memory("flaky").env("SEATRIAL_RETRIES", "2").run()
}

#[test]
fn a_spec_that_passes_when_it_is_tried_again_is_flaky_and_not_silently_passed() {
    let ran = flaky();
    assert_eq!(ran.ended("FLAKY"), ["Engine / in a story", "Engine / starts at the third attempt"]);
    assert!(ran.ended("ok").is_empty(), "{}", ran.stdout);
    let story =
        "\n---- Engine / starts at the third attempt (attempt 2 of 3) ----\nexpected it to equal true\n";
    assert!(ran.stdout.contains(story), "{}", ran.stdout);
    assert!(ran.stdout.contains("2 passed; 2 failed; 0 ignored"), "{}", ran.stdout);
    // A story is told again from its beginning.
    assert_eq!(ran.told("is filled"), ["body", "body"]);
}

#[test]
fn a_spec_without_retries_of_its_own_choice_is_tried_once_and_others_until_the_end() {
    let folder = tempfile::tempdir().unwrap();
    in_memory("flaky").env("SEATRIAL_RETRIES", "2").env("SEATRIAL_REPORT", folder.path()).run();
    let report = crate::reports::report(folder.path());
    let spec = |name: &str| {
        let specs = report["specs"].as_array().unwrap();
        specs.iter().find(|spec| spec["name"] == format!("Engine / {name}").as_str()).unwrap().clone()
    };
    let attempts = |name: &str| spec(name)["attempts"].as_array().unwrap().len();
    assert_eq!([attempts("has one attempt"), attempts("never starts")], [1, 3]);
    let flaky = spec("starts at the third attempt");
    assert_eq!((&flaky["outcome"], attempts("starts at the third attempt")), (&"flaky".into(), 3));
    assert!(flaky["story"].as_str().unwrap().starts_with("expected it to equal true"), "{flaky}");
    let step = |at: usize| flaky["attempts"][at]["timeline"].to_string();
    assert!(step(0).contains("attempt 1, seed ") && step(2).contains("attempt 3, seed "), "{flaky}");
    assert_eq!((&report["flaky"], &report["failed"]), (&2.into(), &2.into()));
}

#[test]
fn flaky_specs_fail_the_run_on_request_only() {
    let run = |fail: &str| {
        in_memory("flaky")
            .arg("third attempt")
            .env("SEATRIAL_RETRIES", "2")
            .env("SEATRIAL_FAIL_ON_FLAKE", fail)
            .run()
    };
    assert_eq!(run("false").code, Some(0));
    let ran = run("true");
    assert_eq!(ran.code, Some(101));
    assert!(ran.stdout.contains("0 passed; 1 failed; 0 ignored"), "{}", ran.stdout);
}

#[test]
fn after_the_first_failure_no_spec_begins_when_the_run_is_to_fail_fast() {
    let program = || in_memory("flaky").arg("--test-threads=1").env("SEATRIAL_ORDER", "written");
    let ran = program().env("SEATRIAL_FAIL_FAST", "1").run();
    assert_eq!((ran.code, ran.ended("FAILED").len(), ran.ended("ignored").len()), (Some(101), 1, 3));
    let folder = tempfile::tempdir().unwrap();
    // Attempts that are left come before the end.
    let ran = program().env("SEATRIAL_FAIL_FAST", "1").env("SEATRIAL_RETRIES", "2");
    let ran = ran.env("SEATRIAL_REPORT", folder.path()).run();
    assert_eq!(ran.ended("FLAKY"), ["Engine / starts at the third attempt"]);
    assert_eq!(ran.ended("FAILED"), ["Engine / never starts"]);
    let report = crate::reports::report(folder.path()).to_string();
    let reason = r#"\"Engine / never starts\" failed, and the run stops at the first failure"#;
    assert!(report.contains(reason), "{report}");
}

#[test]
fn a_run_is_repeated_with_other_seeds_until_it_fails() {
    for options in [[("SEATRIAL_REPEAT", "5")].as_slice(), &[("SEATRIAL_UNTIL_IT_FAILS", "1")]] {
        let program = in_memory("third time").env("SEATRIAL_SEED", "40");
        let ran =
            options.iter().fold(program, |program, (variable, value)| program.env(variable, value)).run();
        assert_eq!(ran.code, Some(101), "{}", ran.stdout);
        assert!(ran.stdout.contains("2 passed; 1 failed;"), "{}", ran.stdout);
        assert!(ran.stdout.contains("\nthe same run again: SEATRIAL_SEED=42\n"), "{}", ran.stdout);
        assert_eq!(ran.told("lasts").into_iter().collect::<BTreeSet<_>>().len(), 3, "{}", ran.stderr);
    }
    let ran = in_memory("third time").env("SEATRIAL_REPEAT", "2").env("SEATRIAL_UNTIL_IT_FAILS", "1").run();
    assert_eq!((ran.code, ran.told("lasts").len()), (Some(0), 2), "{}", ran.stderr);
}

#[test]
fn the_last_line_is_libtest_s_whatever_was_said_before() {
    let ran = in_memory("flaky").env("SEATRIAL_RETRIES", "1").env("SEATRIAL_SLOW", "0s").run();
    assert!(ran.stdout.contains("\nslow, 0s or more:\n"), "{}", ran.stdout);
    assert!(
        ran.stdout.trim_end().lines().last().unwrap().starts_with("test result: FAILED. "),
        "{}",
        ran.stdout
    );
    let quick = in_memory("flaky").env("SEATRIAL_SLOW", "1h").run();
    assert!(!quick.stdout.contains("slow, "), "{}", quick.stdout);
}

#[test]
fn a_focus_leaves_out_all_others_and_is_refused_where_others_rely_on_the_run() {
    let ran = in_memory("focused").env("CI", "").run();
    assert_eq!(ran.ended("ok"), ["Lens / in its frame / is held", "Lens / is sharp"]);
    assert_eq!(ran.ended("ignored"), ["[skipped: not in focus] Lens / is clean"]);
    for variable in ["CI", "SEATRIAL_FAIL_ON_FOCUS"] {
        let ran = in_memory("focused").env(variable, "true").run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.starts_with("error: 2 of 3 specs are in focus, "), "{}", ran.stderr);
        assert!(ran.stderr.contains("\n    Lens / is sharp\n"), "{}", ran.stderr);
    }
}

#[test]
fn a_label_that_no_spec_has_is_reported_with_those_that_there_are() {
    let ran = in_memory("groups").env("SEATRIAL_LABELS", "dept").run();
    let warning =
        "warning: no spec has the label \"dept\" of SEATRIAL_LABELS; the labels are: depth, edge, story\n";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
}

/// Reads what a run says on stderr, doing something when it may be asked, until it has said all of these.
fn hear(parts: &[&str], variables: &[(&str, &str)], mut between: impl FnMut(u32)) -> String {
    let program =
        variables.iter().fold(in_memory("stuck"), |program, (name, value)| program.env(name, value));
    let mut child = program.start();
    let mut heard = String::new();
    let deadline = Instant::now() + Duration::from_secs(120);
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        heard.push_str(&line);
        heard.push('\n');
        // The first answer may come before the wait has begun: then it is asked again.
        if line == "told comes up: heaving" || line.starts_with("progress: ") {
            between(child.id());
        }
        if parts.iter().all(|part| heard.contains(part)) || Instant::now() > deadline {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    heard
}

const DOING: [&str; 6] = [
    "\nAnchor / comes up\n  for ",
    ", in the spec's body\n",
    "\n  last step: heaving, at ",
    "\n  waiting: ConfigMap ",
    "/anchor should match {\"data\":{\"key\":\"up\"}} within 3600s\n    last seen: data.key is \"0\" and not \"up\" (last written by seatrial, Update)\n",
    "\n    last value:\n      apiVersion: v1\n",
];

#[test]
#[cfg(unix)]
fn a_signal_asks_what_the_run_is_doing() {
    let heard = hear(&DOING, &[], |pid| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::USR1).unwrap();
    });
    for part in DOING.into_iter().chain(["progress: 1 spec is running\n"]) {
        assert!(heard.contains(part), "{part:?} is not in\n{heard}");
    }
}

#[test]
fn a_spec_that_takes_long_tells_what_it_is_doing_without_being_asked() {
    let heard = hear(&DOING, &[("SEATRIAL_PROGRESS_AFTER", "200ms")], |_| {});
    assert!(heard.contains("progress: still running\nAnchor / comes up\n"), "{heard}");
}
