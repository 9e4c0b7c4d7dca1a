//! `cargo xtask envtest`: conformance cases and specs against real etcd and kube-apiserver.

use anyhow::Result;
use seatrial_e2e::signal::Signals;

use crate::cargo::{Counts, Hears, Parts, Target, sum_up};
use crate::ended::{Group, unless_ended};
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

/// Runs both; the last line printed are the figures.
pub(crate) async fn envtest(_args: &Args) -> Result<()> {
    let mut signals = Signals::listen()?;
    let group = Group::new(Hears::Output);
    unless_ended(&mut signals, &group, |group| sum_up(all(group)).map(drop)).await
}

/// The crate's tests that need real processes, the conformance cases on the real server, and the specs, also where one of
/// the former fails.
pub(crate) fn all(group: &Group) -> Result<Counts> {
    let what = "the tests on real binaries";
    let mut parts = Parts::default();
    parts.add(what, group.build(&mut REAL.build(), what).and_then(|()| group.run(&mut REAL.run())));
    if !group.is_asked() {
        parts.add("the trial", trial::on(Tier::Envtest, group));
    }
    parts.verdict()
}
