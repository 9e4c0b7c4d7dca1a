//! `cargo xtask e2e`: specs on a cluster of real nodes, and the tests of the clusters themselves.
//!
//! This process makes the cluster and holds its lease; the specs' processes find it by name. Whatever ends the run, the
//! cluster goes with it, unless it is to be kept; what a killed run left is removed by the next one.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Error, Result};
use clap::Subcommand;
use seatrial_e2e::deploy::Program;
use seatrial_e2e::kind::{self, Cluster, ClusterConfig, Home};

use crate::cargo::{Counts, cargo, run};
use crate::ended::{Ended, Group, Signals};
use crate::how::How;

/// Run specs on a cluster of real nodes, made by kind for the run.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask e2e                       everything, on two nodes that are removed afterwards\n  cargo xtask e2e --nodes 3 --version 1.36\n                                        on three nodes of another version\n  cargo xtask e2e --filter paused       specs whose name contains a word\n  cargo xtask e2e --reuse dev           on cluster seatrial-dev, made if it is not there, and left for the next time\n  cargo xtask e2e --keep                leave the cluster if a spec fails\n  cargo xtask e2e reap                  remove what killed runs left"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Option<Task>,
    /// Use this cluster, and leave it; it is made if it is not there.
    #[arg(long, value_name = "NAME")]
    reuse: Option<String>,
    /// Leave the cluster if something fails.
    #[arg(long)]
    keep: bool,
    /// How many nodes: a control plane, and workers for the rest.
    #[arg(long, default_value_t = NODES, value_parser = clap::value_parser!(u32).range(1..=100))]
    nodes: u32,
    /// Kubernetes' version: 1.37 or 1.37.2.
    #[arg(long)]
    version: Option<String>,
    /// The node image.
    #[arg(long)]
    image: Option<String>,
    /// Only specs whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// A folder for the reports.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// Arguments for the specs' own runner.
    #[arg(last = true)]
    runner: Vec<String>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Task {
    /// Remove the clusters, networks and folders of runs that are gone.
    Reap {
        /// Also those that were to be kept (`--keep`, `--reuse`).
        #[arg(long)]
        kept: bool,
    },
}

const NODES: u32 = 2;

/// Runs the specs; the last line printed are the figures.
pub(crate) async fn e2e(args: &Args) -> Result<()> {
    if let Some(Task::Reap { kept }) = args.task {
        return reap(kept).await;
    }
    match on_cluster(args).await {
        Ok(counts) => {
            println!("{counts}");
            Ok(())
        }
        Err(error) => match error.downcast_ref::<Ended>() {
            // A build may still run on a thread of its own, which nobody waits for now.
            Some(ended) => {
                eprintln!("error: {error:#}");
                std::process::exit(ended.exit_status());
            }
            None => Err(error),
        },
    }
}

/// All of it, with nothing chosen.
pub(crate) fn all() -> Result<Counts> {
    run(cargo().args(["run", "--quiet", "--package", "xtask", "--", "e2e"]))?.verdict("the run on real nodes")
}

async fn reap(kept: bool) -> Result<()> {
    let reaped = kind::reap(&Home::of_this_process(), kept).await?;
    for name in &reaped.removed {
        println!("removed {name}");
    }
    for name in &reaped.held {
        println!("left {name}: it is in use");
    }
    for (name, why) in &reaped.kept {
        println!("left {name}: kept by {why}; `cargo xtask e2e reap --kept` removes it");
    }
    println!("{} removed, {} in use, {} kept", reaped.removed.len(), reaped.held.len(), reaped.kept.len());
    Ok(())
}

async fn on_cluster(args: &Args) -> Result<Counts> {
    let mut signals = Signals::listen()?;
    let home = Home::of_this_process();
    for name in kind::reap(&home, false).await?.removed {
        println!("removed cluster {name} of a run that is gone");
    }
    let config = config(args);
    let tell = |line: &str| println!("{line}");
    let making = async {
        match &args.reuse {
            Some(name) => kind::reuse(&home, name, &config, &tell).await,
            None => kind::create(&home, &config, &tell).await,
        }
    };
    // Without this a signal would end the process at once, and leave what is half made to the next run.
    let cluster = tokio::select! {
        made = making => made?,
        by = signals.next() => {
            let left = match kind::reap(&home, false).await {
                Ok(_) => "what there was of it is removed".to_owned(),
                Err(error) => format!("what there was of it is removed by the next run: {error}"),
            };
            return Err(Error::from(by).context(format!("the cluster was being made; {left}")));
        }
    };
    let timings = cluster.timings();
    if args.reuse.is_none() {
        let seconds = [timings.kind, timings.network, timings.ready].map(|time| time.as_secs_f64());
        println!(
            "cluster {}: kind {:.1} s, network {:.1} s, ready {:.1} s",
            cluster.name(),
            seconds[0],
            seconds[1],
            seconds[2]
        );
    }
    let nodes = cluster.nodes().await?.len();
    let outcome = specs(args, cluster.name().to_owned(), nodes, &mut signals).await;
    let ended = end(args, cluster, outcome.is_err()).await;
    match (outcome, ended) {
        (Ok(counts), ended) => ended.map(|()| counts),
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(left)) => {
            Err(error.context(format!("the cluster is removed by the next run: {left:#}")))
        }
    }
}

fn config(args: &Args) -> ClusterConfig {
    let mut config = ClusterConfig::new().nodes(args.nodes).audited(true).keep_on_failure(args.keep);
    if let Some(version) = &args.version {
        config = config.version(version);
    }
    if let Some(image) = &args.image {
        config = config.image(image);
    }
    config
}

/// Removes the cluster, unless it is to stay.
async fn end(args: &Args, mut cluster: Cluster, failed: bool) -> Result<()> {
    let (name, kubeconfig) = (cluster.name().to_owned(), cluster.kubeconfig());
    if args.reuse.is_some() {
        println!("cluster {name} stays: KUBECONFIG={}", kubeconfig.display());
    } else if failed && args.keep {
        cluster.keep("--keep")?;
        println!(
            "cluster {name} is kept: KUBECONFIG={}; `cargo xtask e2e reap --kept` removes it",
            kubeconfig.display()
        );
    } else {
        cluster.delete().await?;
    }
    Ok(())
}

/// Runs every part, also after one has failed.
async fn specs(args: &Args, cluster: String, nodes: usize, signals: &mut Signals) -> Result<Counts> {
    let mut commands = vec![
        ("the specs of nodes and faults", part(args, &["--package", "seatrial-e2e", "--test", "nodes"])),
        ("the operator's specs", part(args, &["--package", "seatrial-operator", "--test", "specs"])),
    ];
    if args.runner.is_empty() {
        let clusters =
            ["--package", "seatrial-e2e", "--features", "docker", "--test", "docker", "--test", "node_image"];
        let mut command = part(args, &clusters);
        // Each of them makes a cluster or two.
        command.arg("--test-threads=2");
        commands.push(("the tests of clusters", command));
    }
    for (_, command) in &mut commands {
        command.env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_CLUSTER", &cluster);
        command.env("SEATRIAL_KIND_NODES", nodes.to_string());
        if let Some(image) = &args.image {
            command.env("SEATRIAL_NODE_IMAGE", image);
        }
        if let Some(version) = &args.version {
            command.env("SEATRIAL_KIND_VERSION", version);
        }
    }
    let mut programs = cargo();
    programs.args([
        "build",
        "--quiet",
        "--package",
        "seatrial-e2e",
        "--features",
        "docker",
        "--example",
        "suites",
    ]);
    let group = Arc::new(Group::default());
    let runs = Arc::clone(&group);
    let mut work = tokio::task::spawn_blocking(move || {
        // The tests of clusters run it, and cargo does not build it for them.
        anyhow::ensure!(
            runs.run(&mut programs)?.success,
            "the program that the tests of clusters run does not build"
        );
        println!("building the operator for its image");
        // Outside of any spec's time: the first build takes minutes. The specs find that there is nothing left to build.
        Program::new("seatrial-operator", "seatrial-operator").profile("image").build()?;
        let mut counts = Counts::default();
        let mut failed = Vec::new();
        for (what, mut command) in commands {
            let outcome = runs.run(&mut command)?;
            counts += outcome.counts;
            if let Err(error) = outcome.verdict(what) {
                eprintln!("error: {error:#}");
                failed.push(what);
            }
        }
        anyhow::ensure!(failed.is_empty(), "{} failed ({counts})", failed.join(" and "));
        Ok(counts)
    });
    let by = tokio::select! {
        done = &mut work => return done.context("the thread that runs the specs panicked")?,
        by = signals.next() => by,
    };
    println!("{by}: waiting for the specs to clean up; a second signal ends them at once");
    if group.ask(by.signal()) {
        tokio::select! {
            _ended = work => {}
            _ = signals.next() => drop(group.ask(rustix::process::Signal::KILL)),
        }
    }
    Err(by.into())
}

fn part(args: &Args, target: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet"]).args(target).arg("--").args(&args.filter).args(&args.runner);
    args.how.apply(&mut command);
    if let Some(folder) = &args.report {
        // cargo runs tests in their package's folder; a relative path means the caller's.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        command.env("SEATRIAL_REPORT", folder);
    }
    command
}
