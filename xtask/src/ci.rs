//! `cargo xtask ci`: all that the README promises, in one run, with a table of where the time went.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::cargo::{Counts, cargo, run};
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

struct Step {
    name: &'static str,
    took: Duration,
    counts: Counts,
    failed: bool,
}

/// Runs every step, also after one has failed; the last line printed is the sum.
pub(crate) fn ci(args: &Args) -> Result<()> {
    let mut steps = Vec::new();
    for (name, needs, step) in STEPS {
        if !args.allows(needs) {
            continue;
        }
        println!("── {name}");
        let start = Instant::now();
        let (counts, failed) = match step() {
            Ok(counts) => (counts, false),
            Err(error) => {
                eprintln!("error: {error:#}");
                (Counts { failed: 1, ..Counts::default() }, true)
            }
        };
        steps.push(Step { name, took: start.elapsed(), counts, failed });
    }
    report(&steps)
}

/// A step's name, what it needs, and what it runs.
type StepPlan = (&'static str, Needs, fn() -> Result<Counts>);

const STEPS: [StepPlan; 11] = [
    ("format", Needs::Rust, format),
    ("lints", Needs::Rust, lints),
    ("documentation", Needs::Rust, documentation),
    ("tests", Needs::Rust, tests),
    ("trial on the fake", Needs::Rust, || trial::on(Tier::Fake)),
    ("the report in a browser", Needs::Rust, page),
    ("real etcd and kube-apiserver", Needs::Binaries, crate::envtest::all),
    ("real nodes", Needs::Nodes, crate::e2e::all),
    ("fidelity", Needs::Binaries, fidelity),
    ("kubectl", Needs::Binaries, kubectl),
    ("generated data", Needs::Binaries, generated),
];

fn report(steps: &[Step]) -> Result<()> {
    let mut sum = Counts::default();
    println!("── where the time went");
    for step in steps {
        let mark = if step.failed { "FAILED" } else { "ok" };
        println!("{:>8.1} s  {mark:<6}  {:<30} {}", step.took.as_secs_f64(), step.name, step.counts);
        sum += step.counts;
    }
    println!("{sum}");
    if steps.iter().any(|step| step.failed) {
        bail!("not every step passed");
    }
    Ok(())
}

/// A check that counts as one test.
fn check(command: &mut Command, what: &str) -> Result<Counts> {
    run(command)?.verdict(what)?;
    Ok(Counts { passed: 1, ..Counts::default() })
}

fn format() -> Result<Counts> {
    check(cargo().args(["fmt", "--all", "--check"]), "the format check")
}

fn lints() -> Result<Counts> {
    let arguments =
        ["clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    check(cargo().args(arguments), "clippy")
}

fn documentation() -> Result<Counts> {
    let mut command = cargo();
    command.args(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    check(&mut command, "the documentation")
}

fn tests() -> Result<Counts> {
    // The specs are a test target, too; they get a step of their own.
    run(cargo().args(["test", "--quiet", "--workspace", "--exclude", "seatrial-operator"]))?
        .verdict("cargo test")
        .and_then(|mut counts| {
            let mut operator = cargo();
            operator.args(["test", "--quiet", "--package", "seatrial-operator", "--lib", "--bins"]);
            operator.args(["--test", "command", "--test", "evidence", "--test", "reconciles"]);
            counts += run(&mut operator)?.verdict("the operator's tests")?;
            Ok(counts)
        })
}

fn fidelity() -> Result<Counts> {
    check(cargo().args(["run", "--quiet", "--package", "xtask", "--", "fidelity"]), "fidelity")
}

fn page() -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--", "page", "--counted"]);
    run(&mut command)?.verdict("the report in a browser")
}

fn kubectl() -> Result<Counts> {
    check(cargo().args(["run", "--quiet", "--package", "xtask", "--", "kubectl"]), "kubectl")
}

fn generated() -> Result<Counts> {
    check(
        cargo().args(["run", "--quiet", "--package", "xtask", "--", "gen", "--check"]),
        "the generated data",
    )
}
