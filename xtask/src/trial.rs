//! `cargo xtask trial`: the operator's specs, on the tier of your choice.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use seatrial_e2e::signal::Signals;

use crate::cargo::{Hears, Outcome, Target, sum_up};
use crate::ended::{Group, unless_ended};
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
    tier: Tier,
    /// Seed of everything random; a failed run prints its own.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    how: How,
}

/// The operator's specs.
pub(crate) const SPECS: Target =
    Target { tests: &["--package", "seatrial-operator", "--test", "specs"], programs: &[] };

/// Runs the specs; the last line printed are the figures.
pub(crate) async fn trial(args: Args) -> Result<()> {
    let mut signals = Signals::listen()?;
    let group = Group::new(Hears::Output);
    unless_ended(&mut signals, &group, move |group| {
        let counts = sum_up(specs(&args, group).and_then(|outcome| outcome.verdict("the trial")))?;
        args.how.chose(counts.all(), "trial")
    })
    .await
}

/// What all specs came to on one tier.
pub(crate) fn on(tier: Tier, group: &Group) -> Result<Outcome> {
    specs(&Args { tier, ..Args::default() }, group)
}

fn specs(args: &Args, group: &Group) -> Result<Outcome> {
    group.build(&mut SPECS.build(), "the operator's specs")?;
    group.run(&mut command(args))
}

fn command(args: &Args) -> Command {
    let mut command = SPECS.run();
    command.env("SEATRIAL_TIER", args.tier.name());
    if let Some(seed) = args.seed {
        command.env("SEATRIAL_SEED", seed.to_string());
    }
    args.how.apply(&mut command);
    command
}
