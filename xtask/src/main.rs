//! The few commands people and CI use. This file is their table; each command has a module of its own.

mod fidelity;
mod generate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Seatrial's tasks.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    arg_required_else_help = true,
    after_help = "Examples:\n  cargo xtask gen            write the fake's data anew from a real kube-apiserver\n  cargo xtask gen --check    fail when the committed data differs from that"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare the fake with a real control plane, case by case.
    Fidelity(fidelity::Args),
    /// Generate the built-in kinds' data from a real kube-apiserver.
    Gen(generate::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Fidelity(args) => fidelity::run(args).await,
        Task::Gen(args) => generate::run(args).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
