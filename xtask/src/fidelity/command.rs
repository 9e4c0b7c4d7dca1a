//! The command: runs each case on both sides, compares the outcomes and prints the report.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use seatrial_fixtures::conformance::compare::{Comparison, compare};
use seatrial_fixtures::conformance::coverage::Ability;
use seatrial_fixtures::conformance::{Case, OutcomePair, PairRunner, cases, salt, server_config};
use seatrial_fixtures::wire::{Wire, plain_http};

use super::coverage::{self, Coverage};
use super::fake::fake_server;
use super::fuzz;
use super::real::RealServer;
use super::report::{self, Tally};

/// The number of cases that run at once.
const CONCURRENCY: usize = 16;

/// Options of `cargo xtask fidelity`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask fidelity                           all cases\n  \
    cargo xtask fidelity --filter status           the cases whose title holds this text\n  \
    cargo xtask fidelity --fuzz 20000 --seed 1     20,000 random writes, the same each time\n  \
    cargo xtask fidelity --fuzz 20000              as many others\n  \
    cargo xtask fidelity --fuzz 20000 --seed 1 --sequence 17    one of the sequences of the first again")]
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
    /// Take lines that are no longer true out of the list of what no case asks (never adds one).
    #[arg(long, conflicts_with = "filter")]
    shrink_uncovered: bool,
    #[command(flatten)]
    fuzz: fuzz::FuzzArgs,
}

/// The outcomes of all cases on both sides, and the abilities that both servers offer.
#[derive(Default)]
struct Results {
    cases: Vec<Case>,
    pairs: Vec<OutcomePair>,
    offered: BTreeSet<Ability>,
}

/// Runs the comparison. Fails if a case differs and is not in the ledger, if the ledger is stale, or if the cases do not
/// cover all abilities.
pub(crate) async fn run(args: Args) -> Result<()> {
    if let Some(options) = args.fuzz.options() {
        return fuzz::run(&args.fuzz, options, args.kubeconfig.as_ref()).await;
    }
    let selected: Vec<Case> = cases()
        .into_iter()
        .filter(|case| args.filter.as_ref().is_none_or(|text| case.title().contains(text.as_str())))
        .collect();
    ensure!(!selected.is_empty(), "no case has {:?} in its title", args.filter.unwrap_or_default());
    let salt = salt(SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?);
    let mut results = Results::default();
    for (server, selected) in server_config::by_server_kind(selected) {
        let real = RealServer::start(args.kubeconfig.as_ref(), &server).await?;
        // A failing case panics, and its outcome has the message.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let result = results.collect(selected, &salt, &real).await;
        std::panic::set_hook(hook);
        real.stop().await;
        result?;
    }
    let comparisons: Vec<Comparison> =
        results.cases.iter().zip(&results.pairs).map(|(case, pair)| compare(case, pair)).collect();
    // Selected cases do not cover all abilities.
    let coverage = args.filter.is_none().then(|| Coverage::of(&results.offered, &results.pairs));
    print_report(&args, &comparisons, coverage.as_ref())
}

/// Prints the report. Fails if there are differences or gaps.
fn print_report(args: &Args, comparisons: &[Comparison], coverage: Option<&Coverage>) -> Result<()> {
    if args.json {
        let mut report = report::json(comparisons);
        if let Some(coverage) = coverage {
            report["coverage"] = coverage.json();
        }
        println!("{report:#}");
    } else {
        print!("{}{}", coverage.map(Coverage::text).unwrap_or_default(), report::text(comparisons));
    }
    let tally = Tally::of(comparisons);
    ensure!(tally.different == 0, "{} cases differ and are not in the ledger", tally.different);
    let Some(coverage) = coverage else { return Ok(()) };
    if args.shrink_uncovered {
        eprintln!(
            "{} lines taken out of uncovered.txt; lower coverage::LIMIT by as many",
            coverage.shrink()?
        );
        ensure!(coverage.unasked() == 0, "{} abilities are asked by no case, see above", coverage.unasked());
        return Ok(());
    }
    ensure!(coverage.problems() == 0, "{} lines of coverage are to mend, see above", coverage.problems());
    Ok(())
}

impl Results {
    /// Runs the cases on both sides.
    async fn collect(&mut self, selected: Vec<Case>, salt: &str, real: &RealServer) -> Result<()> {
        let wire: Arc<dyn Wire> = Arc::new(plain_http(&real.config)?);
        self.offered
            .extend(coverage::offered(wire.as_ref(), fake_server(Timestamp::now(), "").wire.as_ref()).await?);
        let pairing = PairRunner::new(wire, Arc::new(|start| fake_server(start, "")));
        self.pairs.extend(pairing.run_all(&selected, salt, CONCURRENCY, progress(selected.len())).await);
        self.cases.extend(selected);
        Ok(())
    }
}

/// Prints the progress to standard error every 50 cases.
fn progress(total: usize) -> impl Fn(&Case, &OutcomePair) {
    let done = AtomicUsize::new(0);
    move |_, _| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(50) || done == total {
            eprintln!("{done} of {total} cases");
        }
    }
}
