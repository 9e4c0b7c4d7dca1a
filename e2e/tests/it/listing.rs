//! What is listed, chosen and refused before anything runs.

use crate::program::{in_memory, suite, tier};

#[test]
fn a_listing_has_a_line_for_each_spec_and_says_what_those_need_that_are_left_out() {
    let ran = suite("passing").arg("--list").arg("--format").arg("terse").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines.contains(&"ConfigMap / that changes / is counted with the others: test"), "{}", ran.stdout);
    assert!(lines.contains(&"[skipped: needs kubelet] Cluster / starts Pods: test"), "{}", ran.stdout);
    assert!(
        lines.contains(&"[skipped: needs kubelet, nodes:3] Cluster / spreads Pods: test"),
        "{}",
        ran.stdout
    );
    // nextest reads every line of this as a test.
    assert!(lines.iter().all(|line| line.ends_with(": test")), "{}", ran.stdout);
}

#[test]
fn the_ignored_ones_are_listed_by_themselves_for_nextest() {
    let ran = suite("passing").arg("--list").arg("--format").arg("terse").arg("--ignored").run();
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.starts_with("[skipped: needs kubelet")), "{}", ran.stdout);
}

#[test]
fn exact_name_runs_one_spec() {
    let name = "ConfigMap / is there once it was created";
    let ran = suite("passing").arg("--exact").arg(name).arg("--nocapture").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(ran.ended("ok"), [name]);
}

#[test]
fn specs_whose_need_is_missing_are_skipped_and_do_not_fail_the_run() {
    let ran = suite("passing").arg("Cluster").run();
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert_eq!(ran.ended("ignored").len(), 2);
    assert!(ran.stdout.contains("0 passed; 0 failed; 2 ignored"), "{}", ran.stdout);
}

#[test]
fn a_spec_whose_need_is_missing_fails_with_the_reason_when_it_is_forced_to_run() {
    let ran = suite("passing").arg("--ignored").arg("starts Pods").run();
    assert_eq!(ran.code, Some(101), "{}", ran.stdout);
    assert_eq!(ran.story("Cluster / starts Pods"), format!("needs kubelet, which tier {} lacks", tier()));
}

#[test]
fn labels_choose_specs_and_the_run_says_how_many_are_left() {
    let ran = suite("passing").env("SEATRIAL_LABELS", "quick").run();
    assert_eq!(ran.ended("ok"), ["ConfigMap / is there once it was created"]);
    assert!(ran.stderr.contains(", 1 of 9 specs by label"), "{}", ran.stderr);
    let ran = suite("passing").env("SEATRIAL_LABELS", "!core").arg("--list").run();
    assert!(!ran.stdout.contains("ConfigMap") && ran.stdout.contains("Cluster / "), "{}", ran.stdout);
}

#[test]
fn two_specs_of_one_name_are_refused_before_anything_runs() {
    for arguments in [&["--list"][..], &[]] {
        let ran = arguments.iter().fold(suite("refused"), |program, argument| program.arg(argument)).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.starts_with("error: two specs are called \"Machine / starts\""), "{}", ran.stderr);
    }
}

#[test]
fn options_that_mean_nothing_are_refused_with_what_they_could_be() {
    let cases = [
        (
            "SEATRIAL_TIER",
            "real",
            "error: SEATRIAL_TIER is \"real\": the tiers are fake, envtest, kind and existing",
        ),
        ("SEATRIAL_SEED", "-1", "error: SEATRIAL_SEED is \"-1\": a seed is a whole number"),
        ("SEATRIAL_SPEC_TIMEOUT", "soon", "error: SEATRIAL_SPEC_TIMEOUT is \"soon\": a duration is"),
        (
            "SEATRIAL_LABELS",
            "core && (quick",
            "error: SEATRIAL_LABELS is \"core && (quick\": at character 9, a parenthesis is opened and never closed",
        ),
    ];
    for (variable, value, error) in cases {
        let ran = suite("passing").env(variable, value).run();
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.starts_with(error), "{}", ran.stderr);
    }
}

#[test]
fn other_forms_of_output_are_libtest_s_too() {
    let terse = in_memory("flaky").arg("-q").env("SEATRIAL_RETRIES", "1").run();
    let letters =
        terse.stdout.lines().find(|line| !line.is_empty() && line.chars().all(|c| "f.Fi".contains(c)));
    assert_eq!(letters.map(str::len), Some(4), "{}", terse.stdout);
    let json = in_memory("flaky").arg("--format=json").run().stdout;
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["test_count"]), (&"started".into(), &4.into()));
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["failed"]), (&"failed".into(), &4.into()), "{json}");
}
