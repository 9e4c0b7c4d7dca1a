//! The command itself: each case runs on both sides, each pair of outcomes is judged, the report is printed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use seatrial_fixtures::conformance::compare::{Comparison, compare};
use seatrial_fixtures::conformance::coverage::Ability;
use seatrial_fixtures::conformance::{Case, Pair, Pairing, cases, salt, sides};
use seatrial_fixtures::wire::{Wire, plain_http};

use super::covered::{self, Coverage};
use super::fake::fake;
use super::fuzz;
use super::real::Real;
use super::report::{self, Tally};

/// Cases at once on each side.
const AT_ONCE: usize = 16;

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
    fuzz: fuzz::Fuzz,
}

/// What both sides said, case by case, and what both offered before they were asked.
#[derive(Default)]
struct Heard {
    cases: Vec<Case>,
    pairs: Vec<Pair>,
    offered: BTreeSet<Ability>,
}

/// Runs the comparison. An error where any case differs without a line in the ledger, a line is stale, or the cases do
/// not ask for all that is offered.
pub(crate) async fn run(args: Args) -> Result<()> {
    if let Some(options) = args.fuzz.options() {
        return fuzz::run(&args.fuzz, options, args.kubeconfig.as_ref()).await;
    }
    let chosen: Vec<Case> = cases()
        .into_iter()
        .filter(|case| args.filter.as_ref().is_none_or(|text| case.title().contains(text.as_str())))
        .collect();
    ensure!(!chosen.is_empty(), "no case has {:?} in its title", args.filter.unwrap_or_default());
    let salt = salt(SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?);
    let mut heard = Heard::default();
    for (server, chosen) in sides::servers(chosen) {
        let real = Real::start(args.kubeconfig.as_ref(), &server).await?;
        // A case that fails does so by a panic, which its outcome carries.
        let printing = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let listened = heard.listen(chosen, &salt, &real).await;
        std::panic::set_hook(printing);
        real.stop().await;
        listened?;
    }
    let comparisons: Vec<Comparison> =
        heard.cases.iter().zip(&heard.pairs).map(|(case, pair)| compare(case, pair)).collect();
    // A part of the cases cannot ask for everything.
    let coverage = args.filter.is_none().then(|| Coverage::of(&heard.offered, &heard.pairs));
    told(&args, &comparisons, coverage.as_ref())
}

/// Prints what came out, and says whether it is good.
fn told(args: &Args, comparisons: &[Comparison], coverage: Option<&Coverage>) -> Result<()> {
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
    ensure!(coverage.wrong() == 0, "{} lines of coverage are to mend, see above", coverage.wrong());
    Ok(())
}

impl Heard {
    /// Asks both sides, and keeps what they say.
    async fn listen(&mut self, chosen: Vec<Case>, salt: &str, real: &Real) -> Result<()> {
        let wire: Arc<dyn Wire> = Arc::new(plain_http(&real.config)?);
        self.offered.extend(covered::offered(wire.as_ref(), fake(Timestamp::now(), "").wire.as_ref()).await?);
        let pairing = Pairing::new(wire, Arc::new(|start| fake(start, "")));
        self.pairs.extend(pairing.run_all(&chosen, salt, AT_ONCE, progress(chosen.len())).await);
        self.cases.extend(chosen);
        Ok(())
    }
}

/// Says on standard error how far the run is, every 50 cases and at its end.
fn progress(total: usize) -> impl Fn(&Case, &Pair) {
    let done = AtomicUsize::new(0);
    move |_, _| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(50) || done == total {
            eprintln!("{done} of {total} cases");
        }
    }
}
