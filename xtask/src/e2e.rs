//! `cargo xtask e2e`: specs on a kind cluster, and the tests of kind clusters themselves.
//!
//! This process creates the cluster and holds its lease; the processes of the specs find it by name. It is removed at the
//! end of the run unless it is to be kept, or by the next run after SIGKILL.

use std::process::Command;
use std::thread;

use anyhow::{Context, Error, Result, ensure};
use clap::Subcommand;
use seatrial_e2e::deploy::Program;
use seatrial_e2e::kind::{self, Cluster, ClusterConfig, Home};
use seatrial_e2e::signal::Signals;

use crate::cargo::{Capture, Counts, RunSummary, Target, cargo, print_counts, print_line};
use crate::process_group::{Interrupted, ProcessGroup, run_until_signal};
use crate::spec_options::SpecOptions;
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
    /// The number of nodes: a control plane, and workers for the rest.
    #[arg(long, default_value_t = NODES, value_parser = clap::value_parser!(u32).range(1..=100))]
    nodes: u32,
    /// Kubernetes' version: 1.37 or 1.37.2.
    #[arg(long)]
    version: Option<String>,
    /// The node image.
    #[arg(long)]
    image: Option<String>,
    #[command(flatten)]
    spec_options: SpecOptions,
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

/// The runner's argument that lists specs without running them.
const LIST: &str = "--list";

const NODE_SPECS: Target =
    Target { tests: &["--package", "seatrial-e2e", "--features", "kind", "--test", "nodes"], programs: &[] };
const CLUSTER_TESTS: Target = Target {
    tests: &["--package", "seatrial-e2e", "--features", "docker", "--test", "docker", "--test", "node_image"],
    programs: &["--example", "suites"],
};

/// Runs the specs and prints the counts as the last line.
pub(crate) async fn e2e(args: Args) -> Result<()> {
    if let Some(Task::Reap { kept }) = args.task {
        return reap(kept).await;
    }
    print_counts(on_cluster(&args).await).map(drop)
}

/// Runs `cargo xtask e2e` without options as a child process.
pub(crate) fn all(group: &ProcessGroup) -> Result<Counts> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "xtask", "--", "e2e"]);
    group.run(&mut command)?.into_result("the run on real nodes")
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
    let targets: Vec<_> = args.test_runs().iter().map(|test_run| (test_run.name, test_run.target)).collect();
    // The build comes before the cluster, since it may take minutes and fail.
    let to_list = args.test_runs();
    let begin = move |group: &ProcessGroup| build(&targets, group).and_then(|()| count_tests(to_list));
    let chosen = run_until_signal(&mut signals, &ProcessGroup::new(Capture::Stdout), begin).await?;
    args.spec_options.ensure_selected(chosen, "e2e -- --list")?;
    if args.is_listing() {
        // A list needs no cluster.
        return specs(args, args.test_runs(), None, &mut signals).await;
    }
    let home = Home::of_this_process();
    for name in kind::reap(&home, false).await?.removed {
        print_line(&format!("removed cluster {name} of a run that is gone"));
    }
    let config = config(args);
    let create = async {
        match &args.reuse {
            Some(name) => kind::reuse(&home, name, &config, &print_line).await,
            None => kind::create(&home, &config, &print_line).await,
        }
    };
    // A signal during the creation removes the incomplete cluster.
    let cluster = tokio::select! {
        made = create => made?,
        by = signals.next() => {
            let left = match kind::reap(&home, false).await {
                Ok(_) => "what there was of it is removed".to_owned(),
                Err(error) => format!("what there was of it is removed by the next run: {error}"),
            };
            return Err(Error::from(Interrupted(by)).context(format!("the cluster was being made; {left}")));
        }
    };
    let timings = cluster.timings();
    if args.reuse.is_none() {
        let [kind, network, ready] =
            [timings.kind, timings.network, timings.ready].map(|time| time.as_secs_f64());
        let name = cluster.name();
        print_line(&format!("cluster {name}: kind {kind:.1} s, network {network:.1} s, ready {ready:.1} s"));
    }
    let outcome = specs(args, args.test_runs(), Some(&cluster), &mut signals).await;
    let removed = remove_cluster(args, cluster, outcome.is_err()).await;
    match (outcome, removed) {
        (Ok(counts), removed) => removed.map(|()| counts),
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
    if let Some(folder) = args.spec_options.report() {
        config = config.evidence_into(folder);
    }
    config
}

/// Removes the cluster unless it is to be kept.
async fn remove_cluster(args: &Args, cluster: Cluster, failed: bool) -> Result<()> {
    let (name, kubeconfig) = (cluster.name().to_owned(), cluster.kubeconfig());
    if args.reuse.is_some() {
        print_line(&format!("cluster {name} stays: KUBECONFIG={}", kubeconfig.display()));
    } else if failed && args.keep {
        cluster.keep("--keep")?;
        print_line(&format!(
            "cluster {name} is kept: KUBECONFIG={}; `cargo xtask e2e reap --kept` removes it",
            kubeconfig.display()
        ));
    } else {
        cluster.delete().await?;
    }
    Ok(())
}

/// A test target with its command.
struct TestRun {
    name: &'static str,
    target: Target,
    command: Command,
    /// False for tests that create their own clusters, which run concurrently with the others.
    uses_shared_cluster: bool,
}

impl Args {
    fn test_runs(&self) -> Vec<TestRun> {
        let test_run = |name, target: Target, uses_shared_cluster| {
            let mut command = target.run();
            command.args(&self.runner);
            self.spec_options.apply(&mut command);
            TestRun { name, target, command, uses_shared_cluster }
        };
        let mut test_runs = vec![
            test_run("the specs of nodes and faults", NODE_SPECS, true),
            test_run("the operator's specs", SPECS, true),
        ];
        if self.runner.is_empty() {
            let mut clusters = test_run("the tests of clusters", CLUSTER_TESTS, false);
            // Each test creates one or two clusters.
            clusters.command.arg("--test-threads=2");
            test_runs.push(clusters);
        }
        test_runs
    }

    /// True if the specs are listed and not run.
    fn is_listing(&self) -> bool {
        self.runner.iter().any(|argument| argument == LIST)
    }
}

/// Builds the tests and the operator.
fn build(targets: &[(&'static str, Target)], group: &ProcessGroup) -> Result<()> {
    for (name, target) in targets {
        group.build(&mut target.build(), name)?;
    }
    print_line("building the operator for its image");
    // Built here so that it does not count in the time of a spec.
    let operator = Program::new("seatrial-operator", "seatrial-operator").profile("image");
    group.build(&mut operator.command()?, "the operator for its image")
}

/// The number of specs and tests in the run.
fn count_tests(test_runs: Vec<TestRun>) -> Result<usize> {
    let mut count = 0;
    for TestRun { name, mut command, .. } in test_runs {
        if !command.get_args().any(|argument| argument == LIST) {
            command.arg(LIST);
        }
        let output = command.env("SEATRIAL_TIER", "kind").output();
        let output = output.with_context(|| format!("failed to list {name}"))?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name} cannot be listed: {}", stderr.trim_end());
        count +=
            String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.ends_with(": test")).count();
    }
    Ok(count)
}

/// Runs all test targets, even if one fails.
async fn specs(
    args: &Args,
    mut test_runs: Vec<TestRun>,
    cluster: Option<&Cluster>,
    signals: &mut Signals,
) -> Result<Counts> {
    let mut shared = Vec::new();
    if let Some(cluster) = cluster {
        shared.push(("SEATRIAL_KIND_CLUSTER", cluster.name().to_owned()));
        shared.push(("SEATRIAL_KIND_NODES", cluster.nodes().await?.len().to_string()));
    }
    for TestRun { command, uses_shared_cluster, .. } in &mut test_runs {
        command.env("SEATRIAL_TIER", "kind");
        command.envs(uses_shared_cluster.then(|| shared.clone()).unwrap_or_default());
        if let Some(image) = &args.image {
            command.env("SEATRIAL_NODE_IMAGE", image);
        }
        if let Some(version) = &args.version {
            command.env("SEATRIAL_KIND_VERSION", version);
        }
    }
    run_until_signal(signals, &ProcessGroup::new(Capture::Stdout), move |group| {
        let all = run(test_runs, group).into_result();
        // The caller does not print the counts of an interrupted run.
        if group.is_terminating() { print_counts(all) } else { all }
    })
    .await
}

fn run(test_runs: Vec<TestRun>, group: &ProcessGroup) -> RunSummary {
    let (in_turn, beside): (Vec<_>, Vec<_>) =
        test_runs.into_iter().partition(|test_run| test_run.uses_shared_cluster);
    thread::scope(|scope| {
        let beside: Vec<_> = beside
            .into_iter()
            .map(|mut test_run| {
                scope.spawn(move || (test_run.name, group.run_buffered(&mut test_run.command)))
            })
            .collect();
        let mut all = RunSummary::default();
        for mut test_run in in_turn {
            if group.is_terminating() {
                break;
            }
            all.add(test_run.name, group.run(&mut test_run.command));
        }
        for test_run in beside {
            let (name, outcome) = test_run.join().expect("a thread that runs a program, no more");
            all.add(name, outcome);
        }
        all
    })
}
