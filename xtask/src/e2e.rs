//! `cargo xtask e2e`: specs on a cluster of real nodes, and the tests of the clusters themselves.
//!
//! This process makes the cluster and holds its lease; the specs' processes find it by name. Whatever ends the run, the
//! cluster goes with it, unless it is to be kept; what a killed run left is removed by the next one.

use std::process::Command;
use std::thread;

use anyhow::{Context, Error, Result, ensure};
use clap::Subcommand;
use seatrial_e2e::deploy::Program;
use seatrial_e2e::kind::{self, Cluster, ClusterConfig, Home};
use seatrial_e2e::signal::Signals;

use crate::cargo::{Counts, Hears, Parts, Target, cargo, say, sum_up};
use crate::ended::{Ended, Group, unless_ended};
use crate::how::How;
use crate::trial::SPECS;

/// Run specs on a cluster of real nodes, made by kind for the run.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask e2e                       everything, on two nodes that are removed afterwards\n  cargo xtask e2e --nodes 3 --version 1.36\n                                        on three nodes of another version\n  cargo xtask e2e --filter paused       specs whose name contains a word\n  cargo xtask e2e -- --list             what there is, without a cluster\n  cargo xtask e2e --reuse dev           on cluster seatrial-dev, made if it is not there, and left for the next time\n  cargo xtask e2e --keep                leave the cluster if a spec fails\n  cargo xtask e2e reap                  remove what killed runs left"
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

/// The runner's argument by which it tells what there is, and runs nothing.
const LIST: &str = "--list";

const NODE_SPECS: Target =
    Target { tests: &["--package", "seatrial-e2e", "--features", "kind", "--test", "nodes"], programs: &[] };
const CLUSTERS: Target = Target {
    tests: &["--package", "seatrial-e2e", "--features", "docker", "--test", "docker", "--test", "node_image"],
    programs: &["--example", "suites"],
};

/// Runs the specs; the last line printed are the figures.
pub(crate) async fn e2e(args: Args) -> Result<()> {
    if let Some(Task::Reap { kept }) = args.task {
        return reap(kept).await;
    }
    sum_up(on_cluster(&args).await).map(drop)
}

/// All of it, with nothing chosen.
pub(crate) fn all(group: &Group) -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--", "e2e"]);
    group.run(&mut command)?.verdict("the run on real nodes")
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
    let targets: Vec<_> = args.parts().iter().map(|part| (part.what, part.target)).collect();
    // Before there is a cluster: a build takes minutes the first time, and may fail.
    let to_list = args.parts();
    let begin = move |group: &Group| build(&targets, group).and_then(|()| listed(to_list));
    let chosen = unless_ended(&mut signals, &Group::new(Hears::Output), begin).await?;
    args.how.chose(chosen, "e2e -- --list")?;
    if args.lists() {
        // What there is can be told without a cluster.
        return specs(args, args.parts(), None, &mut signals).await;
    }
    let home = Home::of_this_process();
    for name in kind::reap(&home, false).await?.removed {
        say(&format!("removed cluster {name} of a run that is gone"));
    }
    let config = config(args);
    let making = async {
        match &args.reuse {
            Some(name) => kind::reuse(&home, name, &config, &say).await,
            None => kind::create(&home, &config, &say).await,
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
            return Err(Error::from(Ended(by)).context(format!("the cluster was being made; {left}")));
        }
    };
    let timings = cluster.timings();
    if args.reuse.is_none() {
        let [kind, network, ready] =
            [timings.kind, timings.network, timings.ready].map(|time| time.as_secs_f64());
        let name = cluster.name();
        say(&format!("cluster {name}: kind {kind:.1} s, network {network:.1} s, ready {ready:.1} s"));
    }
    let outcome = specs(args, args.parts(), Some(&cluster), &mut signals).await;
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
    if let Some(folder) = args.how.report() {
        config = config.evidence_into(folder);
    }
    config
}

/// Removes the cluster, unless it is to stay.
async fn end(args: &Args, cluster: Cluster, failed: bool) -> Result<()> {
    let (name, kubeconfig) = (cluster.name().to_owned(), cluster.kubeconfig());
    if args.reuse.is_some() {
        say(&format!("cluster {name} stays: KUBECONFIG={}", kubeconfig.display()));
    } else if failed && args.keep {
        cluster.keep("--keep")?;
        say(&format!(
            "cluster {name} is kept: KUBECONFIG={}; `cargo xtask e2e reap --kept` removes it",
            kubeconfig.display()
        ));
    } else {
        cluster.delete().await?;
    }
    Ok(())
}

/// A part of the run.
struct Piece {
    what: &'static str,
    target: Target,
    command: Command,
    /// Whether it runs on the run's cluster. What makes clusters of its own runs beside the others, which mostly wait.
    shares: bool,
}

impl Args {
    fn parts(&self) -> Vec<Piece> {
        let part = |what, target: Target, shares| {
            let mut command = target.run();
            command.args(&self.runner);
            self.how.apply(&mut command);
            Piece { what, target, command, shares }
        };
        let mut parts = vec![
            part("the specs of nodes and faults", NODE_SPECS, true),
            part("the operator's specs", SPECS, true),
        ];
        if self.runner.is_empty() {
            let mut clusters = part("the tests of clusters", CLUSTERS, false);
            // Each of them makes a cluster or two.
            clusters.command.arg("--test-threads=2");
            parts.push(clusters);
        }
        parts
    }

    /// Whether it is only asked what there is.
    fn lists(&self) -> bool {
        self.runner.iter().any(|argument| argument == LIST)
    }
}

/// Builds everything that runs on the cluster.
fn build(targets: &[(&'static str, Target)], group: &Group) -> Result<()> {
    for (what, target) in targets {
        group.build(&mut target.build(), what)?;
    }
    say("building the operator for its image");
    // Outside of any spec's time; the specs find that there is nothing left to build.
    let operator = Program::new("seatrial-operator", "seatrial-operator").profile("image");
    group.build(&mut operator.command()?, "the operator for its image")
}

/// How many specs and tests the run will have.
fn listed(parts: Vec<Piece>) -> Result<usize> {
    let mut count = 0;
    for Piece { what, mut command, .. } in parts {
        if !command.get_args().any(|argument| argument == LIST) {
            command.arg(LIST);
        }
        let output = command.env("SEATRIAL_TIER", "kind").output();
        let output = output.with_context(|| format!("failed to list {what}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{what} cannot be listed: {}", said.trim_end());
        count +=
            String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.ends_with(": test")).count();
    }
    Ok(count)
}

/// Runs every part, also after one has failed.
async fn specs(
    args: &Args,
    mut parts: Vec<Piece>,
    cluster: Option<&Cluster>,
    signals: &mut Signals,
) -> Result<Counts> {
    let mut shared = Vec::new();
    if let Some(cluster) = cluster {
        shared.push(("SEATRIAL_KIND_CLUSTER", cluster.name().to_owned()));
        shared.push(("SEATRIAL_KIND_NODES", cluster.nodes().await?.len().to_string()));
    }
    for Piece { command, shares, .. } in &mut parts {
        command.env("SEATRIAL_TIER", "kind");
        command.envs(shares.then(|| shared.clone()).unwrap_or_default());
        if let Some(image) = &args.image {
            command.env("SEATRIAL_NODE_IMAGE", image);
        }
        if let Some(version) = &args.version {
            command.env("SEATRIAL_KIND_VERSION", version);
        }
    }
    unless_ended(signals, &Group::new(Hears::Output), move |group| {
        let all = run(parts, group).verdict();
        // Nobody else tells the figures of a run that was ended.
        if group.is_asked() { sum_up(all) } else { all }
    })
    .await
}

fn run(parts: Vec<Piece>, group: &Group) -> Parts {
    let (in_turn, beside): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.shares);
    thread::scope(|scope| {
        let beside: Vec<_> = beside
            .into_iter()
            .map(|mut part| scope.spawn(move || (part.what, group.run_beside(&mut part.command))))
            .collect();
        let mut all = Parts::default();
        for mut part in in_turn {
            if group.is_asked() {
                break;
            }
            all.add(part.what, group.run(&mut part.command));
        }
        for part in beside {
            let (what, outcome) = part.join().expect("a thread that runs a program, no more");
            all.add(what, outcome);
        }
        all
    })
}
