//! `cargo xtask envtest`: conformance cases and specs against real etcd and kube-apiserver.

use anyhow::Result;

use crate::cargo::{Counts, cargo, run};
use crate::trial::{self, Tier};

/// Run the conformance cases and the operator's specs on a real control plane.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask envtest                      everything (binaries are found, downloaded or built first)\n  KUBEBUILDER_ASSETS=/opt/envtest cargo xtask envtest\n                                           with binaries that are there already"
)]
pub(crate) struct Args {}

/// Runs both; the last line printed are the figures.
pub(crate) fn envtest(_args: &Args) -> Result<()> {
    let counts = all()?;
    println!("{counts}");
    Ok(())
}

/// The crate's tests that need real processes, the conformance cases on the real server, and the specs.
pub(crate) fn all() -> Result<Counts> {
    let mut command = cargo();
    command.args([
        "test",
        "--quiet",
        "--package",
        "seatrial-envtest",
        "--features",
        "real",
        "--test",
        "real",
    ]);
    let mut counts = run(&mut command)?.verdict("the tests on real binaries")?;
    counts += trial::on(Tier::Envtest)?;
    Ok(counts)
}
