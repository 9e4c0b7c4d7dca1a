//! The fuzzer: random sequences of writes on both sides, with shrinking of those that differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use seatrial_fixtures::conformance::compare::{Verdict, compare};
use seatrial_fixtures::conformance::normalise::normalise;
use seatrial_fixtures::conformance::server_config::ServerKind;
use seatrial_fixtures::conformance::{Case, OutcomePair, PairRunner, run_as, salt};
use seatrial_fixtures::fuzz::{
    Options, Sequence, Shrinking, Signature, response_status, sequence, sequences, setup_case, setup_objects,
    teardown_case,
};
use seatrial_fixtures::wire::{Wire, plain_http};

use super::fake::fake_server;
use super::real::RealServer;

/// The number of sequences that run at once, each with its own namespace and CRDs.
const CONCURRENCY: usize = 16;

/// The number of reruns in which a sequence must differ again.
const RERUNS: usize = 2;

/// The maximum number of candidates of a shrinking.
const SHRINK_BUDGET: usize = 100;

/// Options of the fuzzer.
#[derive(clap::Args)]
pub(crate) struct FuzzArgs {
    /// Instead of the cases, so many random writes to ConfigMaps, Services, Deployments and custom resources.
    #[arg(long = "fuzz", value_name = "N", conflicts_with_all = ["filter", "shrink_uncovered", "json"])]
    operations: Option<usize>,
    /// Draw the writes from this seed; without, from the time of the start.
    #[arg(long, value_name = "S", requires = "operations")]
    seed: Option<u64>,
    /// Only this one of the seed's sequences.
    #[arg(long, value_name = "NUMBER", requires = "operations")]
    sequence: Option<u64>,
    /// Make at most so many differences shorter and print them; the others are counted.
    #[arg(long, value_name = "N", requires = "operations", default_value_t = 24)]
    shrink: usize,
    /// Numbers of sequences that are known to differ. Any other result is an error.
    #[arg(long, value_name = "NUMBERS", requires = "seed", value_delimiter = ',')]
    known: Vec<u64>,
    /// Leave server-side apply out.
    #[arg(long, hide = true, requires = "operations")]
    without_apply: bool,
}

impl FuzzArgs {
    /// The options of the sequences, if the fuzzer is requested.
    pub(crate) fn options(&self) -> Option<Options> {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let seed = self.seed.unwrap_or_else(now);
        Some(Options { seed, operations: self.operations?, apply: !self.without_apply })
    }
}

/// Runs the fuzzer. Fails if a sequence differs.
pub(crate) async fn run(args: &FuzzArgs, options: Options, kubeconfig: Option<&PathBuf>) -> Result<()> {
    let salt = salt(SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?);
    let real = RealServer::start(kubeconfig, &ServerKind::Default).await?;
    // A failing case panics, and its outcome has the message.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let sequences: Box<dyn Iterator<Item = Sequence> + Send> = match args.sequence {
        Some(number) => Box::new(std::iter::once(sequence(options, number))),
        None => Box::new(sequences(options)),
    };
    let known: BTreeSet<u64> = args.known.iter().copied().collect();
    let results = FuzzResults { shrink: args.shrink, known: known.clone(), ..FuzzResults::default() };
    let run = Arc::new(FuzzRun { sequences: Mutex::new(sequences), results: Mutex::new(results) });
    let result = run.run_all(&real, &salt).await;
    std::panic::set_hook(hook);
    real.stop().await;
    result?;
    let results = run.results();
    print!("{}", results.text(options.seed));
    let list = |numbers: Vec<&u64>| numbers.into_iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let new = list(results.differing.difference(&known).collect());
    ensure!(new.is_empty(), "sequences that differ and are not known to: {new}");
    let gone = list(known.difference(&results.differing).collect());
    ensure!(gone.is_empty(), "sequences that no longer differ, to be taken from --known: {gone}");
    Ok(())
}

/// One run of the fuzzer.
struct FuzzRun {
    sequences: Mutex<Box<dyn Iterator<Item = Sequence> + Send>>,
    results: Mutex<FuzzResults>,
}

/// The results so far.
#[derive(Default)]
struct FuzzResults {
    operations: usize,
    /// Answers of the real server, by kind of request and status code.
    answers: BTreeMap<String, BTreeMap<u64, usize>>,
    /// Numbers of the sequences that differ.
    differing: BTreeSet<u64>,
    /// The maximum number of differences to shrink.
    shrink: usize,
    /// Signatures of all differences before shrinking.
    seen: BTreeSet<Signature>,
    differences: Vec<Difference>,
    /// Numbers of sequences that are known to differ.
    known: BTreeSet<u64>,
    /// The number of sequences that did not differ in each rerun.
    flaky: usize,
}

/// A difference between the sides.
struct Difference {
    sequence: Sequence,
    /// `None` if a side failed before its response.
    signature: Option<Signature>,
    diff: String,
}

/// A worker that runs sequences one after another.
struct Worker {
    pairing: PairRunner,
    token: String,
}

impl FuzzRun {
    /// Runs all sequences.
    async fn run_all(self: &Arc<Self>, real: &RealServer, salt: &str) -> Result<()> {
        let wire: Arc<dyn Wire> = Arc::new(plain_http(&real.config)?);
        let mut working = tokio::task::JoinSet::new();
        for number in 0..CONCURRENCY {
            let (run, wire, token) = (Arc::clone(self), Arc::clone(&wire), format!("{salt}fuzz{number:03}"));
            working.spawn(async move {
                run_on_real(&setup_case(), &wire, &token).await?;
                let worker = Worker::new(Arc::clone(&wire), token);
                run.run_worker(&worker).await;
                run_on_real(&teardown_case(), &wire, &worker.token).await
            });
        }
        while let Some(worker) = working.join_next().await {
            worker.context("a worker's task ends")??;
        }
        Ok(())
    }

    async fn run_worker(&self, worker: &Worker) {
        while let Some(sequence) = self.next() {
            let pair = worker.pair(&sequence).await;
            self.results().count(&sequence, &pair);
            let Some(mut difference) = difference_of(&sequence, &pair) else { continue };
            // Some responses of a real server are random, such as the second of a write by a controller.
            let mut persistent = true;
            for _ in 0..RERUNS {
                let again = difference_of(&sequence, &worker.pair(&sequence).await);
                persistent &= again.is_some();
                difference = again.unwrap_or(difference);
            }
            if !persistent {
                self.results().flaky += 1;
                continue;
            }
            if self.results().should_shrink(&difference) {
                let shrunk = worker.shrink(difference).await;
                eprintln!("{shrunk}");
                self.results().differences.push(shrunk);
            }
        }
    }

    fn next(&self) -> Option<Sequence> {
        self.sequences.lock().expect("drawing does not panic").next()
    }

    fn results(&self) -> MutexGuard<'_, FuzzResults> {
        self.results.lock().expect("counting does not panic")
    }
}

/// Runs a case on the real server alone.
async fn run_on_real(case: &Case, wire: &Arc<dyn Wire>, token: &str) -> Result<()> {
    let outcome = run_as(case, Arc::clone(wire), token.to_owned()).await;
    ensure!(outcome.failure.is_none(), "{}: {}", case.title(), outcome.failure.unwrap_or_default());
    Ok(())
}

/// The difference of the two sides, if there is one that is not in the ledger.
fn difference_of(sequence: &Sequence, pair: &OutcomePair) -> Option<Difference> {
    let comparison = compare(&sequence.case(), pair);
    if matches!(comparison.verdict, Verdict::Identical | Verdict::InTheLedger(_)) {
        return None;
    }
    let note = comparison.note.map(|note| format!("NOTE {note}\n")).unwrap_or_default();
    let signature = Signature::of(&normalise(&pair.real), &normalise(&pair.fake));
    Some(Difference { sequence: sequence.clone(), signature, diff: note + &comparison.diff })
}

impl Worker {
    fn new(wire: Arc<dyn Wire>, token: String) -> Self {
        let objects = setup_objects(&token);
        Self { pairing: PairRunner::new(wire, Arc::new(move |start| fake_server(start, &objects))), token }
    }

    async fn pair(&self, sequence: &Sequence) -> OutcomePair {
        self.pairing.run_with_token(&sequence.case(), |_| self.token.clone()).await
    }

    /// The shortest sequence that shows a difference like this one.
    async fn shrink(&self, difference: Difference) -> Difference {
        let Some(signature) = difference.signature.clone() else { return difference };
        let alike = async |sequence: &Sequence| {
            let difference_of = difference_of(sequence, &self.pair(sequence).await);
            difference_of
                .filter(|other| other.signature.as_ref().is_some_and(|other| other.is_like(&signature)))
        };
        let mut shortest = difference;
        let mut shrinking = Shrinking::new(shortest.sequence.clone(), SHRINK_BUDGET);
        while let Some(candidate) = shrinking.candidate() {
            let difference_of = alike(candidate).await;
            shrinking.answer(difference_of.is_some());
            shortest = difference_of.unwrap_or(shortest);
        }
        shortest
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { sequence, signature, diff } = self;
        let title = signature.as_ref().map_or_else(|| "a side failed".to_owned(), ToString::to_string);
        write!(f, "DIFFERENT sequence {}: {title}\n{sequence}{diff}", sequence.number)
    }
}

impl FuzzResults {
    fn count(&mut self, sequence: &Sequence, pair: &OutcomePair) {
        for exchange in &pair.real.transcript {
            let (request, status) = response_status(&exchange.0);
            *self.answers.entry(request).or_default().entry(status).or_default() += 1;
        }
        let before = self.operations;
        self.operations += sequence.operations();
        if before / 1000 < self.operations / 1000 {
            eprintln!("{} operations, {} sequences differ", self.operations, self.differing.len());
        }
    }

    /// Records a difference. Returns true if it is the first of its signature and within the limit.
    fn should_shrink(&mut self, difference: &Difference) -> bool {
        self.differing.insert(difference.sequence.number);
        if self.known.contains(&difference.sequence.number) {
            return false;
        }
        let Some(signature) = &difference.signature else { return true };
        self.seen.insert(signature.clone()) && self.seen.len() <= self.shrink
    }

    /// The report for people.
    fn text(&self, seed: u64) -> String {
        let mut differences: BTreeMap<Option<&Signature>, Vec<&Difference>> = BTreeMap::new();
        for difference in &self.differences {
            differences.entry(difference.signature.as_ref()).or_default().push(difference);
        }
        let mut out = String::new();
        for alike in differences.into_values() {
            let shortest = alike.iter().min_by_key(|difference| difference.sequence.code().len());
            let Some(shortest) = shortest else { continue };
            let _ = writeln!(out, "{shortest}As a case:\n\n{}", shortest.sequence.code());
        }
        out += "Answers of the real server:\n";
        for (request, statuses) in &self.answers {
            let statuses: Vec<String> =
                statuses.iter().map(|(status, count)| format!("{count} with {status}")).collect();
            let _ = writeln!(out, "  {request:<24}{}", statuses.join(", "));
        }
        let numbers: Vec<String> = self.differing.iter().map(u64::to_string).collect();
        if !numbers.is_empty() {
            let _ = writeln!(out, "Sequences that differing: {}", numbers.join(" "));
        }
        if self.flaky > 0 {
            let _ = writeln!(
                out,
                "Sequences that differed, and not each time they were run again: {}",
                self.flaky
            );
        }
        let (operations, differing) = (self.operations, self.differing.len());
        let _ = writeln!(out, "fuzz: {operations} operations, seed {seed}, {differing} sequences differ");
        out
    }
}
