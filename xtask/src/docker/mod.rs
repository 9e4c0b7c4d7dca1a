//! `cargo xtask docker`: a separate Docker daemon, for machines where none runs.
//!
//! `paths` and `config` have its files, `bridge` and `iptables` its network, `process` its processes, `daemon` start and
//! stop, and `runtime` a container runtime for machines whose root lacks capabilities.

mod paths;

mod config;

mod bridge;

mod iptables;

mod process;

mod daemon;

pub(crate) mod runtime;

use anyhow::Result;
use clap::Subcommand;

pub(crate) use iptables::path as search_path;

/// Start or stop a Docker daemon of this project's own, beside whatever else runs here.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask docker start       needs root and Debian's docker.io; says where it listens\n  eval \"$(cargo xtask docker env)\"\n  cargo xtask docker stop        its images and volumes stay for the next start"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start the daemon, unless it runs.
    Start,
    /// Stop the daemon and its containers.
    Stop,
    /// Print the variable for a shell.
    Env,
}

/// Runs the action. The last line of `start` and `env` is a shell command.
pub(crate) async fn docker(args: &Args) -> Result<()> {
    let paths = paths::DaemonPaths::of_this_user();
    match args.action {
        Action::Start => daemon::start(&paths).await?,
        Action::Stop => return daemon::stop(&paths),
        Action::Env => {}
    }
    println!("export DOCKER_HOST={}", paths.host());
    Ok(())
}
