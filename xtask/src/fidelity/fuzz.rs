//! The fuzzer: random sequences of writes on both sides, several at once; each difference is shrunk and told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use seatrial_fixtures::conformance::compare::{Verdict, compare};
use seatrial_fixtures::conformance::normalise::normalise;
use seatrial_fixtures::conformance::sides::Server;
use seatrial_fixtures::conformance::{Case, Pair, Pairing, run_as, salt};
use seatrial_fixtures::fuzz::{
    Options, Sequence, Shrinking, Signature, answered, preparation, prepared, removal, sequence, sequences,
};
use seatrial_fixtures::wire::{Wire, plain_http};

use super::fake::fake;
use super::real::Real;

/// Sequences at once, each in a namespace and with definitions of its own.
const AT_ONCE: usize = 16;

/// How often a sequence that differs is run again, and must differ each time.
const AGAIN: usize = 2;

/// Sequences that are tried to make one that differs shorter.
const BUDGET: usize = 100;

/// Options of the fuzzer.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
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
    /// Sequences that are known to differ: an error where another one does, or one of these no longer.
    #[arg(long, value_name = "NUMBERS", requires = "seed", value_delimiter = ',')]
    known: Vec<u64>,
    /// Leave server-side apply out.
    #[arg(long, hide = true, requires = "operations")]
    without_apply: bool,
}

impl Fuzz {
    /// What is to be drawn, where the fuzzer is asked for.
    pub(crate) fn options(&self) -> Option<Options> {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let seed = self.seed.unwrap_or_else(now);
        Some(Options { seed, operations: self.operations?, apply: !self.without_apply })
    }
}

/// Runs the fuzzer. An error where a sequence differs.
pub(crate) async fn run(args: &Fuzz, options: Options, kubeconfig: Option<&PathBuf>) -> Result<()> {
    let salt = salt(SystemTime::now().duration_since(UNIX_EPOCH).context("read the clock")?);
    let real = Real::start(kubeconfig, &Server::Lasting).await?;
    // A case that fails does so by a panic, which its outcome carries.
    let printing = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let drawn: Box<dyn Iterator<Item = Sequence> + Send> = match args.sequence {
        Some(number) => Box::new(std::iter::once(sequence(options, number))),
        None => Box::new(sequences(options)),
    };
    let known: BTreeSet<u64> = args.known.iter().copied().collect();
    let found = Found { shrink: args.shrink, known: known.clone(), ..Found::default() };
    let run = Arc::new(Run { drawn: Mutex::new(drawn), found: Mutex::new(found) });
    let worked = run.work(&real, &salt).await;
    std::panic::set_hook(printing);
    real.stop().await;
    worked?;
    let found = run.found();
    print!("{}", found.text(options.seed));
    let list = |numbers: Vec<&u64>| numbers.into_iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let new = list(found.differ.difference(&known).collect());
    ensure!(new.is_empty(), "sequences that differ and are not known to: {new}");
    let gone = list(known.difference(&found.differ).collect());
    ensure!(gone.is_empty(), "sequences that no longer differ, to be taken from --known: {gone}");
    Ok(())
}

/// One run of the fuzzer.
struct Run {
    drawn: Mutex<Box<dyn Iterator<Item = Sequence> + Send>>,
    found: Mutex<Found>,
}

/// What came out so far.
#[derive(Default)]
struct Found {
    operations: usize,
    /// Answers of the real server, by kind of request and status code.
    answers: BTreeMap<String, BTreeMap<u64, usize>>,
    /// Numbers of the sequences that differ.
    differ: BTreeSet<u64>,
    /// How many differences are made shorter.
    shrink: usize,
    /// Signatures of all differences, as they were before they were made shorter.
    seen: BTreeSet<Signature>,
    told: Vec<Difference>,
    /// Sequences that are known to differ.
    known: BTreeSet<u64>,
    /// How many sequences differed and did not each time they were run again.
    passing: usize,
}

/// A difference between the sides.
struct Difference {
    sequence: Sequence,
    /// None where a side failed before it answered.
    signature: Option<Signature>,
    diff: String,
}

/// One place where sequences run, one after another.
struct Worker {
    pairing: Pairing,
    token: String,
}

impl Run {
    /// Runs all sequences.
    async fn work(self: &Arc<Self>, real: &Real, salt: &str) -> Result<()> {
        let wire: Arc<dyn Wire> = Arc::new(plain_http(&real.config)?);
        let mut working = tokio::task::JoinSet::new();
        for number in 0..AT_ONCE {
            let (run, wire, token) = (Arc::clone(self), Arc::clone(&wire), format!("{salt}fuzz{number:03}"));
            working.spawn(async move {
                made(&preparation(), &wire, &token).await?;
                let worker = Worker::new(Arc::clone(&wire), token);
                run.work_as(&worker).await;
                made(&removal(), &wire, &worker.token).await
            });
        }
        while let Some(worker) = working.join_next().await {
            worker.context("a worker's task ends")??;
        }
        Ok(())
    }

    async fn work_as(&self, worker: &Worker) {
        while let Some(sequence) = self.next() {
            let pair = worker.pair(&sequence).await;
            self.found().count(&sequence, &pair);
            let Some(mut difference) = judged(&sequence, &pair) else { continue };
            // Some of what a real server answers is chance, such as the second of what its controllers write.
            let mut lasts = true;
            for _ in 0..AGAIN {
                let again = judged(&sequence, &worker.pair(&sequence).await);
                lasts &= again.is_some();
                difference = again.unwrap_or(difference);
            }
            if !lasts {
                self.found().passing += 1;
                continue;
            }
            if self.found().is_to_be_shrunk(&difference) {
                let shrunk = worker.shrink(difference).await;
                eprintln!("{shrunk}");
                self.found().told.push(shrunk);
            }
        }
    }

    fn next(&self) -> Option<Sequence> {
        self.drawn.lock().expect("drawing does not panic").next()
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().expect("counting does not panic")
    }
}

/// Runs a case on the real server alone.
async fn made(case: &Case, wire: &Arc<dyn Wire>, token: &str) -> Result<()> {
    let outcome = run_as(case, Arc::clone(wire), token.to_owned()).await;
    ensure!(outcome.failure.is_none(), "{}: {}", case.title(), outcome.failure.unwrap_or_default());
    Ok(())
}

/// The difference that a sequence shows, if it shows one that no line of the ledger explains.
fn judged(sequence: &Sequence, pair: &Pair) -> Option<Difference> {
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
        let objects = prepared(&token);
        Self { pairing: Pairing::new(wire, Arc::new(move |start| fake(start, &objects))), token }
    }

    async fn pair(&self, sequence: &Sequence) -> Pair {
        self.pairing.run_named(&sequence.case(), |_| self.token.clone()).await
    }

    /// The shortest sequence that shows a difference like this one.
    async fn shrink(&self, difference: Difference) -> Difference {
        let Some(signature) = difference.signature.clone() else { return difference };
        let alike = async |sequence: &Sequence| {
            let judged = judged(sequence, &self.pair(sequence).await);
            judged.filter(|other| other.signature.as_ref().is_some_and(|other| other.is_like(&signature)))
        };
        let mut shortest = difference;
        let mut shrinking = Shrinking::new(shortest.sequence.clone(), BUDGET);
        while let Some(candidate) = shrinking.candidate() {
            let judged = alike(candidate).await;
            shrinking.answer(judged.is_some());
            shortest = judged.unwrap_or(shortest);
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

impl Found {
    fn count(&mut self, sequence: &Sequence, pair: &Pair) {
        for exchange in &pair.real.transcript {
            let (request, status) = answered(&exchange.0);
            *self.answers.entry(request).or_default().entry(status).or_default() += 1;
        }
        let before = self.operations;
        self.operations += sequence.operations();
        if before / 1000 < self.operations / 1000 {
            eprintln!("{} operations, {} sequences differ", self.operations, self.differ.len());
        }
    }

    /// Counts a difference; says whether it is the first of its signature and not beyond the limit.
    fn is_to_be_shrunk(&mut self, difference: &Difference) -> bool {
        self.differ.insert(difference.sequence.number);
        if self.known.contains(&difference.sequence.number) {
            return false;
        }
        let Some(signature) = &difference.signature else { return true };
        self.seen.insert(signature.clone()) && self.seen.len() <= self.shrink
    }

    /// The report for people.
    fn text(&self, seed: u64) -> String {
        let mut told: BTreeMap<Option<&Signature>, Vec<&Difference>> = BTreeMap::new();
        for difference in &self.told {
            told.entry(difference.signature.as_ref()).or_default().push(difference);
        }
        let mut out = String::new();
        for alike in told.into_values() {
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
        let numbers: Vec<String> = self.differ.iter().map(u64::to_string).collect();
        if !numbers.is_empty() {
            let _ = writeln!(out, "Sequences that differ: {}", numbers.join(" "));
        }
        if self.passing > 0 {
            let _ = writeln!(
                out,
                "Sequences that differed, and not each time they were run again: {}",
                self.passing
            );
        }
        let (operations, differ) = (self.operations, self.differ.len());
        let _ = writeln!(out, "fuzz: {operations} operations, seed {seed}, {differ} sequences differ");
        out
    }
}
