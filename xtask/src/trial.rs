//! `cargo xtask trial`: the operator's specs on one tier.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use seatrial_e2e::signal::Signals;

use crate::cargo::{Capture, CommandOutcome, Target, print_counts};
use crate::process_group::{ProcessGroup, run_until_signal};
use crate::spec_options::SpecOptions;

/// The tier of the specs.
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
    pub(crate) fn name(self) -> &'static str {
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
    /// The tier of the specs.
    #[arg(long, value_enum, default_value_t)]
    tier: Tier,
    /// The seed of all randomness; a failed run prints its own.
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    spec_options: SpecOptions,
}

/// The operator's specs.
pub(crate) const SPECS: Target =
    Target { tests: &["--package", "seatrial-operator", "--test", "specs"], programs: &[] };

/// Runs the specs and prints the counts as the last line.
pub(crate) async fn trial(args: Args) -> Result<()> {
    let mut signals = Signals::listen()?;
    let group = ProcessGroup::new(Capture::Stdout);
    run_until_signal(&mut signals, &group, move |group| {
        let counts = print_counts(specs(&args, group).and_then(|outcome| outcome.into_result("the trial")))?;
        args.spec_options.ensure_selected(counts.total(), "trial")
    })
    .await
}

/// Runs all specs on one tier.
pub(crate) fn run_on_tier(tier: Tier, group: &ProcessGroup) -> Result<CommandOutcome> {
    specs(&Args { tier, ..Args::default() }, group)
}

fn specs(args: &Args, group: &ProcessGroup) -> Result<CommandOutcome> {
    group.build(&mut SPECS.build(), "the operator's specs")?;
    group.run(&mut command(args))
}

fn command(args: &Args) -> Command {
    let mut command = SPECS.run();
    command.env("SEATRIAL_TIER", args.tier.name());
    if let Some(seed) = args.seed {
        command.env("SEATRIAL_SEED", seed.to_string());
    }
    args.spec_options.apply(&mut command);
    command
}
