//! `cargo xtask docker`: a Docker daemon of this project's own, for machines where none runs.
//!
//! The command is here; `places` says where everything lies, `config` what the two daemons are told, `bridge` and
//! `iptables` prepare the network, `process` starts and ends by pid, `daemon` puts it together, and `runtime` is what
//! starts containers on machines whose root lacks a capability.

mod places;

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
    /// Start it, unless it runs.
    Start,
    /// End it, and the containers that run in it.
    Stop,
    /// Print how a shell finds it.
    Env,
}

/// Does what was asked for; the last line of `start` and `env` is one for a shell.
pub(crate) async fn docker(args: &Args) -> Result<()> {
    let places = places::Places::of_this_user();
    match args.action {
        Action::Start => daemon::start(&places).await?,
        Action::Stop => return daemon::stop(&places),
        Action::Env => {}
    }
    println!("export DOCKER_HOST={}", places.host());
    Ok(())
}
