//! The command itself: both sides run all cases, each pair of outcomes is judged, the report is printed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seatrial_fakeclient::FakeCluster;
use seatrial_fixtures::conformance::compare::{Comparison, compare};
use seatrial_fixtures::conformance::{Case, Outcome, cases, run_all, salt};
use seatrial_fixtures::wire::{ServiceWire, Socket, Wire, WireError, plain_http};

use super::real::Real;
use super::report::{self, Tally};

/// Cases at once on each side.
const AT_ONCE: usize = 16;

/// Options of `cargo xtask fidelity`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON document instead of the table.
    #[arg(long)]
    json: bool,
    /// Only cases whose `area: sentence` holds this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Compare with this server instead of starting one (it must run the same controllers and admission plugins).
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,
}

/// Runs the comparison. An error where any case differs without a line in the ledger, or a line is stale.
pub(crate) async fn run(args: Args) -> Result<()> {
    let chosen: Vec<Case> = cases()
        .into_iter()
        .filter(|case| args.filter.as_ref().is_none_or(|text| case.title().contains(text.as_str())))
        .collect();
    ensure!(!chosen.is_empty(), "no case has {:?} in its title", args.filter.unwrap_or_default());
    let salt = salt(SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?);
    let real = Real::start(args.kubeconfig.as_ref()).await?;
    // A case that fails does so by a panic, which its outcome carries.
    let printing = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcomes = both_sides(&chosen, &salt, &real).await;
    std::panic::set_hook(printing);
    real.stop().await;
    let (fake, real) = outcomes?;
    let comparisons: Vec<Comparison> = chosen
        .iter()
        .zip(fake.iter().zip(&real))
        .map(|(case, (fake, real))| compare(case, fake, real))
        .collect();
    let tally = Tally::of(&comparisons);
    if args.json {
        println!("{:#}", report::json(&comparisons));
    } else {
        print!("{}", report::text(&comparisons));
    }
    ensure!(tally.different == 0, "{} cases differ and are not in the ledger", tally.different);
    Ok(())
}

async fn both_sides(chosen: &[Case], salt: &str, real: &Real) -> Result<(Vec<Outcome>, Vec<Outcome>)> {
    let wire: Arc<dyn Wire> = Arc::new(plain_http(&real.config)?);
    let real = run_all(chosen, salt, AT_ONCE, || Arc::clone(&wire), progress("real", chosen.len())).await;
    let fake = run_all(chosen, salt, AT_ONCE, fake, progress("fake", chosen.len())).await;
    Ok((fake, real))
}

/// Says on standard error how far a side is, every 50 cases and at its end.
fn progress(side: &'static str, total: usize) -> impl Fn(&Case, &Outcome) {
    let done = AtomicUsize::new(0);
    move |_, _| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(50) || done == total {
            eprintln!("{side}: {done} of {total} cases");
        }
    }
}

/// A wire to a fake cluster of its own.
fn fake() -> Arc<dyn Wire> {
    let cluster = FakeCluster::new();
    let wire = ServiceWire::new(cluster.service());
    Arc::new(wire.socket(Arc::new(move || socket(cluster.clone()).boxed())))
}

/// The fake cluster's socket, opened.
async fn socket(cluster: FakeCluster) -> Result<Socket, WireError> {
    let serving = cluster.serve(0).await.map_err(|e| WireError::Transport(e.into()))?;
    let kubeconfig =
        Kubeconfig::from_yaml(serving.kubeconfig()).map_err(|e| WireError::Transport(e.into()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|e| WireError::Transport(e.into()))?;
    Ok(Socket::new(config).keeping(Arc::new(serving)))
}
