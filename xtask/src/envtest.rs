//! `cargo xtask envtest`: conformance cases and specs against real etcd and kube-apiserver.

use anyhow::Result;
use seatrial_e2e::signal::Signals;

use crate::cargo::{Capture, CommandOutcome, Counts, RunSummary, Target, print_counts};
use crate::process_group::{ProcessGroup, run_until_signal};
use crate::trial::{self, Tier};

/// Run the conformance cases and the operator's specs on a real control plane.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask envtest                      everything (binaries are found, downloaded or built first)\n  KUBEBUILDER_ASSETS=/opt/envtest cargo xtask envtest\n                                           with binaries that are there already"
)]
pub(crate) struct Args {}

const REAL: Target = Target {
    tests: &["--package", "seatrial-envtest", "--features", "real", "--test", "real"],
    programs: &["--example", "control_plane"],
};

/// Specs of webhooks, which the real server calls over TLS.
const WEBHOOKS: Target = Target {
    tests: &["--package", "seatrial-e2e", "--features", "envtest", "--example", "webhook"],
    programs: &[],
};

/// Runs all and prints the counts as the last line.
pub(crate) async fn envtest(_args: &Args) -> Result<()> {
    let mut signals = Signals::listen()?;
    let group = ProcessGroup::new(Capture::Stdout);
    run_until_signal(&mut signals, &group, |group| print_counts(all(group)).map(drop)).await
}

/// Runs the tests of envtest with real binaries, the conformance cases and the specs, even if some of them fail.
pub(crate) fn all(group: &ProcessGroup) -> Result<Counts> {
    let what = "the tests on real binaries";
    let mut parts = RunSummary::default();
    parts.add(what, group.build(&mut REAL.build(), what).and_then(|()| group.run(&mut REAL.run())));
    if !group.is_terminating() {
        parts.add("the trial", trial::run_on_tier(Tier::Envtest, group));
    }
    if !group.is_terminating() {
        parts.add("the specs of webhooks", webhooks(group));
    }
    parts.into_result()
}

fn webhooks(group: &ProcessGroup) -> Result<CommandOutcome> {
    group.build(&mut WEBHOOKS.build(), "the specs of webhooks")?;
    group.run(WEBHOOKS.run().env("SEATRIAL_TIER", Tier::Envtest.name()))
}
