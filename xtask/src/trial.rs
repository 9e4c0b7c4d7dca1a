//! `cargo xtask trial`: the operator's specs, on the tier of your choice.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::ValueEnum;

use crate::cargo::{Counts, cargo, run};
use crate::how::How;

/// Where the specs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// In this process, in virtual time.
    #[default]
    Fake,
    /// Real etcd and kube-apiserver, obtained and started for the run.
    Envtest,
    /// The cluster of your kubeconfig, if `SEATRIAL_CONTEXT_ALLOW` names its context.
    Existing,
}

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Fake => "fake",
            Self::Envtest => "envtest",
            Self::Existing => "existing",
        }
    }
}

/// Run the bundled operator's specs.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask trial                        every spec, in memory, in virtual time\n  cargo xtask trial --tier envtest         the same specs against real etcd and kube-apiserver\n  cargo xtask trial --filter restart       specs whose name contains a word\n  cargo xtask trial --seed 42 --report out the run with that seed, and a page about it in out/report.html\n  cargo xtask trial --labels 'recovery && !slow' --until-it-fails\n                                           again and again, each time with another seed"
)]
pub(crate) struct Args {
    /// Where the specs run.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) tier: Tier,
    /// Only specs whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// Seed of everything random; a failed run prints its own.
    #[arg(long)]
    seed: Option<u64>,
    /// A folder for the reports: report.html, report.json, junit.xml, and what failures leave.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Runs the specs; the last line printed are the figures.
pub(crate) fn trial(args: &Args) -> Result<()> {
    let outcome = run(&mut command(args))?;
    println!("{}", outcome.counts);
    let counts = outcome.verdict("the trial")?;
    if let Some(filter) = &args.filter {
        let chosen = counts.passed + counts.skipped;
        ensure!(chosen > 0, "no spec's name contains {filter:?}: `cargo xtask trial` shows the names");
    }
    Ok(())
}

/// The specs of one tier, counted.
pub(crate) fn on(tier: Tier) -> Result<Counts> {
    let outcome = run(&mut command(&Args { tier, ..Args::default() }))?;
    outcome.verdict("the trial")
}

fn command(args: &Args) -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "seatrial-operator", "--test", "specs", "--"]);
    command.args(&args.filter);
    command.env("SEATRIAL_TIER", args.tier.name());
    if let Some(seed) = args.seed {
        command.env("SEATRIAL_SEED", seed.to_string());
    }
    if let Some(folder) = &args.report {
        // cargo runs tests in their package's folder; a relative path means the caller's.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        command.env("SEATRIAL_REPORT", folder);
    }
    args.how.apply(&mut command);
    command
}
