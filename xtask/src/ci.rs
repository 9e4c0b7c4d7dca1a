//! `cargo xtask ci`: all that the README promises, in one run, with a table of where the time went.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use seatrial_e2e::signal::Signals;

use crate::cargo::{Counts, Failed, Hears, Parts, cargo, complain, say};
use crate::ended::{Group, unless_ended, within};
use crate::failures::{Part, account};
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
    fn allows(&self, needs: Needs) -> bool {
        match needs {
            Needs::Rust => true,
            Needs::Binaries => !self.fast,
            Needs::Nodes => !self.fast && !self.without_nodes,
        }
    }
}

/// What a step needs besides this workspace.
#[derive(Clone, Copy, Debug)]
enum Needs {
    /// Nothing.
    Rust,
    /// Kubernetes' binaries, which are found, downloaded or built.
    Binaries,
    /// Docker, for nodes in containers.
    Nodes,
}

/// How long a step may take. On two cores, with nothing built before, the longest takes half of it.
const STEP_LIMIT: Duration = Duration::from_secs(40 * 60);

struct Step {
    name: &'static str,
    took: Duration,
    result: Result<Counts>,
}

impl Step {
    /// Its figures; one that failed without any counts as one.
    fn counts(&self) -> Counts {
        match &self.result {
            Ok(counts) => *counts,
            Err(error) => {
                let counts = known(error).map(|failed| failed.counts).unwrap_or_default();
                Counts { failed: counts.failed.max(1), ..counts }
            }
        }
    }

    /// What is told of it if it failed.
    fn failed(&self) -> Option<Part<'_>> {
        let error = self.result.as_ref().err()?;
        let failures = known(error).map(|failed| failed.failures.as_slice()).unwrap_or_default();
        Some(Part { name: self.name, error: format!("{error:#}"), failures })
    }
}

fn known(error: &Error) -> Option<&Failed> {
    error.downcast_ref()
}

/// Runs every step, also after one has failed; the last line printed is the sum. Says whether all passed.
pub(crate) async fn ci(args: &Args) -> Result<bool> {
    let plan: Vec<_> = STEPS.into_iter().filter(|(_, needs, _)| args.allows(*needs)).collect();
    let mut signals = Signals::listen()?;
    let group = Group::new(Hears::All);
    unless_ended(&mut signals, &group, move |group| {
        let steps = run(&plan, group);
        for line in report(&steps) {
            say(&line);
        }
        Ok(steps.iter().all(|step| step.result.is_ok()))
    })
    .await
}

fn run(plan: &[StepPlan], group: &Group) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, _, step) in plan {
        if group.is_asked() {
            break;
        }
        say(&format!("── {name}"));
        let start = Instant::now();
        let result = within(STEP_LIMIT, group, *step);
        if let Err(error) = &result {
            complain(&format!("error: {error:#}"));
        }
        steps.push(Step { name, took: start.elapsed(), result });
    }
    steps
}

/// A step's name, what it needs, and what it runs.
type StepPlan = (&'static str, Needs, fn(&Group) -> Result<Counts>);

const STEPS: [StepPlan; 14] = [
    ("format", Needs::Rust, format),
    ("lints", Needs::Rust, lints),
    ("features", Needs::Rust, features),
    ("documentation", Needs::Rust, documentation),
    ("dependencies", Needs::Rust, dependencies),
    ("tests", Needs::Rust, tests),
    ("trial on the fake", Needs::Rust, |group| trial::on(Tier::Fake, group)?.verdict("the trial")),
    ("the report in a browser", Needs::Rust, page),
    ("real etcd and kube-apiserver", Needs::Binaries, crate::envtest::all),
    ("real nodes", Needs::Nodes, crate::e2e::all),
    ("fidelity", Needs::Binaries, fidelity),
    ("random writes", Needs::Binaries, random_writes),
    ("kubectl", Needs::Binaries, kubectl),
    ("generated data", Needs::Binaries, generated),
];

/// Where the time went, what failed, and the figures.
fn report(steps: &[Step]) -> Vec<String> {
    let mut lines = vec!["── where the time went".to_owned()];
    let mut sum = Counts::default();
    for step in steps {
        let mark = if step.result.is_ok() { "ok" } else { "FAILED" };
        let (seconds, counts) = (step.took.as_secs_f64(), step.counts());
        lines.push(format!("{seconds:>8.1} s  {mark:<6}  {:<30} {counts}", step.name));
        sum += counts;
    }
    let failed: Vec<_> = steps.iter().filter_map(Step::failed).collect();
    if !failed.is_empty() {
        lines.push("── what failed".to_owned());
        lines.extend(account(&failed));
    }
    lines.push(sum.to_string());
    lines
}

/// A command of cargo's that counts as one test.
fn check(group: &Group, command: &mut Command, what: &str) -> Result<Counts> {
    group.run(command)?.verdict(what)?;
    Ok(Counts { passed: 1, ..Counts::default() })
}

fn format(group: &Group) -> Result<Counts> {
    check(group, cargo().args(["fmt", "--all", "--check"]), "the format check")
}

fn lints(group: &Group) -> Result<Counts> {
    let arguments =
        ["clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    check(group, cargo().args(arguments), "clippy")
}

/// A workspace is built with all features that one of its crates asks for; users ask for one.
fn features(group: &Group) -> Result<Counts> {
    let mut sum = Counts::default();
    for feature in ["", "envtest", "kind"] {
        let mut command = cargo();
        command.args(["clippy", "--quiet", "--package", "seatrial-e2e", "--no-default-features"]);
        command.args(["--features", feature, "--", "-D", "warnings"]);
        sum += check(group, &mut command, "seatrial-e2e with a single feature")?;
    }
    Ok(sum)
}

fn documentation(group: &Group) -> Result<Counts> {
    let mut command = cargo();
    command.args(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    check(group, &mut command, "the documentation")
}

/// What `deny.toml` says of licences, crates and where they come from. Advisories are left out: they change without a
/// change here, and are fetched from a place of their own.
fn dependencies(group: &Group) -> Result<Counts> {
    if which::which("cargo-deny").is_err() {
        say("skipped: cargo-deny is not here; `cargo install --locked cargo-deny` brings it");
        return Ok(Counts { skipped: 1, ..Counts::default() });
    }
    check(group, cargo().args(["deny", "check", "bans", "licenses", "sources"]), "cargo deny")
}

fn tests(group: &Group) -> Result<Counts> {
    let mut parts = Parts::default();
    // The specs are a test target, too; they get a step of their own.
    let mut all = cargo();
    all.args(["test", "--quiet", "--no-fail-fast", "--workspace", "--exclude", "seatrial-operator"]);
    parts.add("cargo test", group.run(&mut all));
    let mut operator = cargo();
    operator.args(["test", "--quiet", "--no-fail-fast", "--package", "seatrial-operator", "--lib", "--bins"]);
    operator.args(["--test", "command", "--test", "evidence", "--test", "reconciles"]);
    if !group.is_asked() {
        parts.add("the operator's tests", group.run(&mut operator));
    }
    parts.verdict()
}

/// Another command of this program.
fn xtask(arguments: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--"]).args(arguments);
    command
}

fn fidelity(group: &Group) -> Result<Counts> {
    check(group, &mut xtask(&["fidelity"]), "fidelity")
}

/// The same random writes each time. Those that are known to differ are faults of the fake that no user has met.
fn random_writes(group: &Group) -> Result<Counts> {
    let fuzz = ["fidelity", "--fuzz", "1000", "--seed", "7", "--known", "35,74,90,95"];
    check(group, &mut xtask(&fuzz), "random writes")
}

fn page(group: &Group) -> Result<Counts> {
    group.run(&mut xtask(&["page", "--counted"]))?.verdict("the report in a browser")
}

fn kubectl(group: &Group) -> Result<Counts> {
    check(group, &mut xtask(&["kubectl"]), "kubectl")
}

fn generated(group: &Group) -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "seatrial-generate", "--", "--check"]);
    check(group, &mut command, "the generated data")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::cargo::Outcome;
    use crate::failures::Failure;

    fn step(name: &'static str, result: Result<Counts>) -> Step {
        Step { name, took: Duration::from_millis(1500), result }
    }

    #[test]
    fn the_report_ends_with_what_failed_and_then_the_figures() {
        let counts = Counts { passed: 7, failed: 2, skipped: 1 };
        let failure = Failure { name: "store::a".into(), lines: vec!["it said".into()], left_out: 0 };
        let tests = Outcome { success: false, counts, failures: vec![failure] }.verdict("cargo test");
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
