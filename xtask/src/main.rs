//! The commands of this workspace, one in each module.

mod bench;
mod browser;
mod cargo;
mod ci;
mod docker;
mod doctor;
mod e2e;
mod envtest;
mod failures;
mod fidelity;
mod generate;
mod kubectl;
mod node_image;
mod page;
mod process_group;
mod serve;
mod spec_options;
mod support;
mod tidy;
mod trial;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use process_group::Interrupted;

/// Seatrial's tasks.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    arg_required_else_help = true,
    after_help = "Examples:\n  cargo xtask gen            write the fake's data anew from a real kube-apiserver\n  cargo xtask gen --check    fail when the committed data differs from that\n  cargo xtask trial          the operator's specs, in memory\n  cargo xtask envtest        the same specs and the conformance cases on real etcd and kube-apiserver\n  cargo xtask doctor         what is missing here, and what mends it"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare the fake with a real control plane, case by case.
    Fidelity(fidelity::Args),
    Gen(generate::Args),
    Support(support::Args),
    Trial(trial::Args),
    Envtest(envtest::Args),
    E2e(e2e::Args),
    Serve(serve::Args),
    Kubectl(kubectl::Args),
    Page(page::Args),
    NodeImage(node_image::Args),
    Bench(bench::Args),
    Docker(docker::Args),
    Doctor(doctor::Args),
    Ci(ci::Args),
}

fn main() -> ExitCode {
    // A copy of this program with another name is the container runtime of the Docker daemon.
    if docker::runtime::is_called() {
        eprintln!("error: {:#}", docker::runtime::run());
        return ExitCode::FAILURE;
    }
    work()
}

#[tokio::main]
async fn work() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Fidelity(args) => fidelity::run(args).await,
        Task::Gen(args) => generate::generate(&args),
        Task::Support(args) => support::support(&args).await,
        Task::Trial(args) => trial::trial(args).await,
        Task::Envtest(args) => envtest::envtest(&args).await,
        Task::E2e(args) => e2e::e2e(args).await,
        Task::Serve(args) => serve::serve(&args).await,
        Task::Kubectl(args) => kubectl::kubectl(&args).await,
        Task::Page(args) => page::page(&args).await,
        Task::NodeImage(args) => node_image::node_image(&args).await,
        Task::Bench(args) => bench::bench(&args).await,
        Task::Docker(args) => docker::docker(&args).await,
        Task::Doctor(args) => doctor::doctor(&args).await,
        Task::Ci(args) => match ci::ci(&args).await {
            // The failures were printed, and the counts are the last line.
            Ok(passed) => return if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE },
            Err(error) => Err(error),
        },
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    cargo::print_error(&format!("error: {error:#}"));
    match error.downcast_ref::<Interrupted>() {
        // Exits at once, since a blocking thread may still be running.
        Some(Interrupted(by)) => std::process::exit(by.exit_status().into()),
        None => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_readme_lists_every_command() {
        let readme = include_str!("../README.md");
        let cli = Cli::command();
        let listed =
            |name: &str| readme.lines().any(|line| line.starts_with(&format!("| `cargo xtask {name}` |")));
        let missing: Vec<_> =
            cli.get_subcommands().map(clap::Command::get_name).filter(|name| !listed(name)).collect();
        assert!(missing.is_empty(), "xtask/README.md has no row for {missing:?}");
        assert!(!listed("sail"));
    }
}
