//! `cargo xtask gen`: runs `seatrial-generate`, which writes the data of the built-in kinds.
//!
//! The generator is a separate program, since xtask links the fake, which includes that data.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context, Result};

use crate::cargo::cargo;

/// Generate the built-in kinds' data from a real kube-apiserver (`--check` compares it, `--help` says more).
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// The arguments of the generator.
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
    fn options_are_passed_to_the_generator() {
        let options = ["--check", "--kubeconfig", "k", "--help"];
        let line = Line::parse_from(["gen"].into_iter().chain(options));
        assert_eq!(line.args.options, options);
    }
}
