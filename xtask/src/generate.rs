//! `cargo xtask gen`: the built-in kinds' data, written by a program of its own, `xtask/generate`.
//!
//! This program links the fake, which includes that data; the other one does not, and mends what the fake could not be
//! compiled with.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context, Result};

use crate::cargo::cargo;

/// Generate the built-in kinds' data from a real kube-apiserver (`--check` compares it, `--help` says more).
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// What the generator is told.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Runs the generator in this process's place, so that signals reach it.
pub(crate) fn generate(args: &Args) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--package", "seatrial-generate", "--"]).args(&args.options);
    Err(command.exec()).context("failed to start cargo")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_generator_reads_its_options_by_itself() {
        let options = ["--check", "--kubeconfig", "k", "--help"];
        let line = Line::parse_from(["gen"].into_iter().chain(options));
        assert_eq!(line.args.options, options);
    }
}
