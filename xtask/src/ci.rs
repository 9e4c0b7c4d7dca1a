//! `cargo xtask ci`: all checks in one run, with their durations and failures.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use seatrial_e2e::signal::Signals;

use crate::cargo::{Capture, Counts, RunFailed, RunSummary, cargo, print_error, print_line};
use crate::failures::{FailedPart, summarize};
use crate::process_group::{ProcessGroup, run_until_signal, with_timeout};
use crate::trial::{self, Tier};

/// Run everything: format, lints, documentation, tests, real binaries, fidelity, real nodes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask ci\n  cargo xtask ci --without-nodes   what needs no Docker\n  cargo xtask ci --fast            what needs nothing but Rust"
)]
pub(crate) struct Args {
    /// Leave out what needs real Kubernetes binaries or nodes.
    #[arg(long)]
    fast: bool,
    /// Leave out what needs nodes.
    #[arg(long)]
    without_nodes: bool,
}

impl Args {
    fn allows(&self, requirement: Requirement) -> bool {
        match requirement {
            Requirement::Rust => true,
            Requirement::Binaries => !self.fast,
            Requirement::Nodes => !self.fast && !self.without_nodes,
        }
    }
}

/// The requirement of a step.
#[derive(Clone, Copy, Debug)]
enum Requirement {
    /// Nothing.
    Rust,
    /// Kubernetes' binaries, which are found, downloaded or built.
    Binaries,
    /// Docker, for nodes in containers.
    Nodes,
}

/// The timeout of a step, twice the time of the longest one on two cores without a cache.
const STEP_TIMEOUT: Duration = Duration::from_secs(40 * 60);

struct StepResult {
    name: &'static str,
    duration: Duration,
    result: Result<Counts>,
}

impl StepResult {
    /// The counts; a failure without any counts as one failed.
    fn counts(&self) -> Counts {
        match &self.result {
            Ok(counts) => *counts,
            Err(error) => {
                let counts = run_failed(error).map(|failed| failed.counts).unwrap_or_default();
                Counts { failed: counts.failed.max(1), ..counts }
            }
        }
    }

    /// The part of the summary, if the step failed.
    fn failed_part(&self) -> Option<FailedPart<'_>> {
        let error = self.result.as_ref().err()?;
        let failures = run_failed(error).map(|failed| failed.failures.as_slice()).unwrap_or_default();
        Some(FailedPart { name: self.name, error: format!("{error:#}"), failures })
    }
}

fn run_failed(error: &Error) -> Option<&RunFailed> {
    error.downcast_ref()
}

/// Runs all steps, even if one fails, and prints the sum of counts as the last line. Returns true if all passed.
pub(crate) async fn ci(args: &Args) -> Result<bool> {
    let plan: Vec<_> = STEPS.into_iter().filter(|(_, requirement, _)| args.allows(*requirement)).collect();
    let mut signals = Signals::listen()?;
    let group = ProcessGroup::new(Capture::Both);
    run_until_signal(&mut signals, &group, move |group| {
        let steps = run(&plan, group);
        for line in report(&steps) {
            print_line(&line);
        }
        Ok(steps.iter().all(|step| step.result.is_ok()))
    })
    .await
}

fn run(plan: &[StepDefinition], group: &ProcessGroup) -> Vec<StepResult> {
    let mut steps = Vec::new();
    for (name, _, step) in plan {
        if group.is_terminating() {
            break;
        }
        print_line(&format!("── {name}"));
        let start = Instant::now();
        let result = with_timeout(STEP_TIMEOUT, group, *step);
        if let Err(error) = &result {
            print_error(&format!("error: {error:#}"));
        }
        steps.push(StepResult { name, duration: start.elapsed(), result });
    }
    steps
}

/// The name, the requirement and the function of a step.
type StepDefinition = (&'static str, Requirement, fn(&ProcessGroup) -> Result<Counts>);

const STEPS: [StepDefinition; 14] = [
    ("format", Requirement::Rust, format),
    ("lints", Requirement::Rust, lints),
    ("features", Requirement::Rust, features),
    ("documentation", Requirement::Rust, documentation),
    ("dependencies", Requirement::Rust, dependencies),
    ("tests", Requirement::Rust, tests),
    ("trial on the fake", Requirement::Rust, |group| {
        trial::run_on_tier(Tier::Fake, group)?.into_result("the trial")
    }),
    ("the report in a browser", Requirement::Rust, page),
    ("real etcd and kube-apiserver", Requirement::Binaries, crate::envtest::all),
    ("real nodes", Requirement::Nodes, crate::e2e::all),
    ("fidelity", Requirement::Binaries, fidelity),
    ("random writes", Requirement::Binaries, random_writes),
    ("kubectl", Requirement::Binaries, kubectl),
    ("generated data", Requirement::Binaries, generated),
];

/// The report: durations, failures and counts.
fn report(steps: &[StepResult]) -> Vec<String> {
    let mut lines = vec!["── where the time went".to_owned()];
    let mut sum = Counts::default();
    for step in steps {
        let mark = if step.result.is_ok() { "ok" } else { "FAILED" };
        let (seconds, counts) = (step.duration.as_secs_f64(), step.counts());
        lines.push(format!("{seconds:>8.1} s  {mark:<6}  {:<30} {counts}", step.name));
        sum += counts;
    }
    let failed: Vec<_> = steps.iter().filter_map(StepResult::failed_part).collect();
    if !failed.is_empty() {
        lines.push("── what failed".to_owned());
        lines.extend(summarize(&failed));
    }
    lines.push(sum.to_string());
    lines
}

/// Runs a command that counts as one test.
fn check(group: &ProcessGroup, command: &mut Command, what: &str) -> Result<Counts> {
    group.run(command)?.into_result(what)?;
    Ok(Counts { passed: 1, ..Counts::default() })
}

fn format(group: &ProcessGroup) -> Result<Counts> {
    check(group, cargo().args(["fmt", "--all", "--check"]), "the format check")
}

fn lints(group: &ProcessGroup) -> Result<Counts> {
    let arguments =
        ["clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    check(group, cargo().args(arguments), "clippy")
}

/// A workspace is built with all features that one of its crates asks for; users ask for one.
fn features(group: &ProcessGroup) -> Result<Counts> {
    let mut sum = Counts::default();
    for feature in ["", "envtest", "kind"] {
        let mut command = cargo();
        command.args(["clippy", "--quiet", "--package", "seatrial-e2e", "--no-default-features"]);
        command.args(["--features", feature, "--", "-D", "warnings"]);
        sum += check(group, &mut command, "seatrial-e2e with a single feature")?;
    }
    Ok(sum)
}

fn documentation(group: &ProcessGroup) -> Result<Counts> {
    let mut command = cargo();
    command.args(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    check(group, &mut command, "the documentation")
}

/// Checks licences, bans and sources of dependencies by `deny.toml`. Advisories are not checked, since they change without
/// a change here.
fn dependencies(group: &ProcessGroup) -> Result<Counts> {
    if which::which("cargo-deny").is_err() {
        print_line("skipped: cargo-deny is not here; `cargo install --locked cargo-deny` brings it");
        return Ok(Counts { skipped: 1, ..Counts::default() });
    }
    check(group, cargo().args(["deny", "check", "bans", "licenses", "sources"]), "cargo deny")
}

fn tests(group: &ProcessGroup) -> Result<Counts> {
    let mut parts = RunSummary::default();
    // Without the operator's specs, which are a separate step.
    let mut all = cargo();
    all.args(["test", "--quiet", "--no-fail-fast", "--workspace", "--exclude", "seatrial-operator"]);
    parts.add("cargo test", group.run(&mut all));
    let mut operator = cargo();
    operator.args(["test", "--quiet", "--no-fail-fast", "--package", "seatrial-operator", "--lib", "--bins"]);
    operator.args(["--test", "artefacts", "--test", "command", "--test", "reconciles"]);
    if !group.is_terminating() {
        parts.add("the operator's tests", group.run(&mut operator));
    }
    parts.into_result()
}

/// A command of xtask in a child process.
fn xtask(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--"]).args(arguments);
    command
}

fn fidelity(group: &ProcessGroup) -> Result<Counts> {
    check(group, &mut xtask(&["fidelity"]), "fidelity")
}

/// A constant sequence of random writes. The known differences are bugs of the fake that are not fixed yet.
fn random_writes(group: &ProcessGroup) -> Result<Counts> {
    let fuzz = ["fidelity", "--fuzz", "1000", "--seed", "7", "--known", "95"];
    check(group, &mut xtask(&fuzz), "random writes")
}

fn page(group: &ProcessGroup) -> Result<Counts> {
    group.run(&mut xtask(&["page", "--counted"]))?.into_result("the report in a browser")
}

fn kubectl(group: &ProcessGroup) -> Result<Counts> {
    check(group, &mut xtask(&["kubectl"]), "kubectl")
}

fn generated(group: &ProcessGroup) -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "seatrial-generate", "--", "--check"]);
    check(group, &mut command, "the generated data")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::cargo::CommandOutcome;
    use crate::failures::Failure;

    fn step(name: &'static str, result: Result<Counts>) -> StepResult {
        StepResult { name, duration: Duration::from_millis(1500), result }
    }

    #[test]
    fn the_report_ends_with_failures_and_counts() {
        let counts = Counts { passed: 7, failed: 2, skipped: 1 };
        let failure = Failure { name: "store::a".into(), lines: vec!["it said".into()], left_out: 0 };
        let tests =
            CommandOutcome { success: false, counts, failures: vec![failure] }.into_result("cargo test");
        let steps = [
            step("format", Ok(Counts { passed: 1, ..Counts::default() })),
            step("tests", tests),
            step("kubectl", Err(anyhow!("no such file").context("failed to start cargo"))),
        ];
        let expected = "
── where the time went
     1.5 s  ok      format                         1 passed, 0 failed, 0 skipped
     1.5 s  FAILED  tests                          7 passed, 2 failed, 1 skipped
     1.5 s  FAILED  kubectl                        0 passed, 1 failed, 0 skipped
── what failed
tests: cargo test failed (7 passed, 2 failed, 1 skipped)
  store::a
    it said
kubectl: failed to start cargo: no such file
8 passed, 3 failed, 1 skipped";
        assert_eq!(report(&steps).join("\n"), expected.trim_start());
        assert_eq!(report(&steps[..1]).len(), 3, "nothing failed");
    }
}
