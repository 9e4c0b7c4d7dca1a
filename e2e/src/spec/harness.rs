//! The harness: from a suite to an exit code, compatible with libtest for `cargo test` and nextest.
//!
//! `libtest-mimic` reads the command line and prints listings, which is nextest's contract. The run itself is our own:
//! the library knows no order, no groups, no serial tests and no second attempt.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Arguments;

use crate::display::seconds;
use crate::failure::sentence;
use crate::interrupt::{self, Interrupt};
use crate::need::Need;
use crate::options::{Options, TierKind};
use crate::redaction::RunSecrets;
use crate::report::{
    FileReporter, Github, Outcome, Reporter, Reporters, RunInfo, SpecReport, print_to_stderr, suite_name,
};
use crate::span::mins;
use crate::spec::choice::{Choice, PlannedTrial, candidates, choose};
use crate::spec::console::{Console, OutputOptions};
use crate::spec::order::{seed_of_repetition, splitmix, units};
use crate::spec::plan::{Spec, plan};
use crate::spec::pool::run_units;
use crate::spec::progress::{Progress, print_on_signal};
use crate::spec::run::{Run, StopFlag};
use crate::spec::tree::Suite;
use crate::tier::{self, SuiteDefinitions, Tier};

/// The exit status of a run that could not begin.
const CANNOT_BEGIN: u8 = 2;

/// The exit status of a run with a failed spec, as libtest has it.
const FAILED: u8 = 101;

/// Default number of parallel specs in real time: they wait for most of it (a namespace alone takes more
/// than five seconds to go), so this is not a matter of cores. `--test-threads` has the last word.
const PARALLEL_WAITS: usize = 8;

/// Most slow specs that are listed.
const SLOWEST: usize = 10;

/// Runs a test target's specs: the whole of its `main`.
///
/// The command line is libtest's. Options of our own are environment variables:
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `SEATRIAL_TIER` | `fake`, `envtest`, `kind` or `existing` | `fake` |
/// | `SEATRIAL_SEED` | seed of everything random, the order of specs included | 0 on `fake`, else another one for
/// every run |
/// | `SEATRIAL_ORDER` | `mixed`: all specs change places; `groups`: groups, and specs in them, change places, each group stays together; `written` | `mixed` |
/// | `SEATRIAL_LABELS` | which labels: `recovery && !(slow \|\| /^net-/)` | all |
/// | `SEATRIAL_SPEC_TIMEOUT` | how long a spec may take: `90s`, `5m` | `5m` |
/// | `SEATRIAL_RETRIES` | how often a failed spec is tried again; one that then passes is told as flaky | 0 |
/// | `SEATRIAL_FAIL_ON_FLAKE` | a flaky spec fails the run | `false` |
/// | `SEATRIAL_FAIL_FAST` | after the first failure no other spec begins; the rest is skipped, with that reason | `false` |
/// | `SEATRIAL_FAIL_ON_FOCUS` | a suite with a focus is refused | `true` where `CI` is set |
/// | `SEATRIAL_REPEAT` | how often the run is repeated, each time with another seed, until it fails | 1 |
/// | `SEATRIAL_UNTIL_IT_FAILS` | the run is repeated until it fails, at most `SEATRIAL_REPEAT` times if that is set, too | `false` |
/// | `SEATRIAL_PROGRESS_AFTER` | specs that run for so long tell what they are doing, again and again | never |
/// | `SEATRIAL_SLOW` | specs that took so long are listed at the end, the ten slowest of them | `10s` |
/// | `SEATRIAL_REPORT`, else `ARTIFACTS` | a folder for `report.html`, `report.json` and `junit.xml`, merged with what is there, and for what explains failures | none |
/// | `SEATRIAL_LOG` | what this process logs that stands in the report, as `RUST_LOG` has it | `info`, clients `warn` |
/// | `SEATRIAL_CONTEXT_ALLOW` | kubeconfig contexts that tier `existing` may write to | none |
/// | `SEATRIAL_KIND_NODES` | how many nodes the cluster of tier `kind` has | 2 |
/// | `SEATRIAL_KIND_VERSION`, `SEATRIAL_NODE_IMAGE` | what its nodes are made from | the official image |
/// | `SEATRIAL_KIND_CLUSTER` | a cluster that is there, and that somebody else removes | none: one is made for the
/// run |
/// | `SEATRIAL_HAS` | what the cluster of tier `existing` has | `controllers,kubelet,nodes:1` |
///
/// `--test-threads` is the number of parallel specs: by default the number of cores on `fake`, else 8.
///
/// A signal USR1 (`kill -USR1 PID`; on macOS also Ctrl-T) makes the run tell on stderr which specs it is running,
/// which step each is at, what it waits for and what it saw last.
///
/// Ctrl-C, SIGTERM and the SIGHUP of a terminal that is closed (on Linux not where nohup or the like has it ignored)
/// end the specs that run as interrupted: their clean-ups run, no other spec begins, the reports are written, and what
/// the run has made (a control plane, a cluster) is removed. A second signal ends the process at once.
///
/// Exits with 0 when all that ran passed, 101 when a spec failed, 2 when the run could not begin, and 130, 143 or
/// 129 when it was ended by Ctrl-C, SIGTERM or SIGHUP.
pub fn run(build: impl FnOnce(&mut Suite)) -> ExitCode {
    let mut suite = Suite::new();
    build(&mut suite);
    match begin(suite) {
        Ok(code) => code,
        Err(message) => {
            print_to_stderr(&format!("error: {message}"));
            ExitCode::from(CANNOT_BEGIN)
        }
    }
}

fn begin(suite: Suite) -> Result<ExitCode, String> {
    let arguments = Arguments::from_args();
    let options = Options::from_env().map_err(|error| error.to_string())?;
    let specs = plan(&suite).map_err(|error| error.to_string())?;
    refuse_focus(&specs, &options)?;
    let tier = tier::choose(&options);
    let mut candidates = candidates(specs, &*tier);
    let all = candidates.len();
    let known = by_label(&mut candidates, &options);
    if arguments.list {
        list(&arguments, &candidates);
        return Ok(ExitCode::SUCCESS);
    }
    tier.check().map_err(|error| sentence(&error))?;
    for label in options.labels.unknown(&known) {
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        print_to_stderr(&format!(
            "warning: no spec has the label {label:?} of SEATRIAL_LABELS; the labels are: {known}"
        ));
    }
    let by_label = if candidates.len() < all {
        format!(", {} of {all} specs by label", candidates.len())
    } else {
        String::new()
    };
    let choice = choose(candidates, &arguments, tier.name());
    let seed = options.seed.unwrap_or_else(|| default_seed(options.tier));
    let workers = workers(&arguments, &*tier);
    let order = format!("{:?}", options.order).to_lowercase();
    print_to_stderr(&format!(
        "tier {}, seed {seed}, order {order}, {workers} at once{by_label}",
        tier.name()
    ));
    let progress = Arc::new(Progress::default());
    print_on_signal(&progress, options.progress_after)
        .map_err(|error| format!("SIGUSR1 cannot be listened for: {error}"))?;
    let interrupt = Arc::new(Interrupt::default());
    interrupt::listen(&interrupt).map_err(|error| format!("signals cannot be listened for: {error}"))?;
    let manner = OutputOptions {
        fail_on_flake: options.fail_on_flake,
        virtual_time: tier.virtual_time(),
        report: options.report.clone(),
    };
    let console = Console::new(&arguments, &choice, manner)
        .map_err(|error| format!("the log file cannot be written: {error}"))?;
    let mut session = RunSession {
        tier,
        definitions: Arc::new(SuiteDefinitions::new(suite.definitions)),
        prefix: suite.prefix,
        one_status_writer: suite.one_status_writer,
        workers,
        console: Arc::new(console),
        written: written(&options),
        progress,
        interrupt,
        secrets: RunSecrets::default(),
        reports: Vec::new(),
        options,
    };
    session.run(&choice, seed)
}

/// Keeps the candidates that the filter lets through; gives all labels there are.
fn by_label(candidates: &mut Vec<PlannedTrial>, options: &Options) -> BTreeSet<String> {
    let known: BTreeSet<_> = candidates.iter().flat_map(PlannedTrial::labels).collect();
    candidates.retain(|candidate| options.labels.lets_through(&candidate.labels()));
    known
}

fn list(arguments: &Arguments, candidates: &[PlannedTrial]) {
    let chosen = candidates.iter().filter(|candidate| !candidate.is_filtered_out(arguments));
    let trials = chosen.map(PlannedTrial::trial).collect();
    // The filters have been applied, with what only this harness knows.
    let arguments = Arguments { filter: None, skip: Vec::new(), ..arguments.clone() };
    let _nothing_ran = libtest_mimic::run(&arguments, trials);
}

/// A focus is for the author's own machine: where others rely on the run it would hide all other specs.
fn refuse_focus(specs: &[Spec], options: &Options) -> Result<(), String> {
    let focused: Vec<_> = specs.iter().filter(|spec| spec.focused).map(|spec| spec.name.as_str()).collect();
    if focused.is_empty() || !options.fail_on_focus {
        return Ok(());
    }
    Err(format!(
        "{} of {} specs are in focus, and the others would not run: take .focus() away, or set SEATRIAL_FAIL_ON_FOCUS=false\n    {}",
        focused.len(),
        specs.len(),
        focused.join("\n    ")
    ))
}

fn workers(arguments: &Arguments, tier: &dyn Tier) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, Into::into);
    let by_tier = || if tier.virtual_time() { cores() } else { PARALLEL_WAITS };
    arguments.test_threads.unwrap_or_else(by_tier).max(1)
}

fn written(options: &Options) -> Arc<Reporters> {
    let mut reporters = Reporters::default();
    if let Some(folder) = &options.report {
        reporters.add(FileReporter::new(folder.clone()));
    }
    if let Some(github) = Github::if_it_runs_this() {
        reporters.add(github);
    }
    Arc::new(reporters)
}

/// All repetitions of a run.
struct RunSession {
    options: Options,
    tier: Arc<dyn Tier>,
    definitions: Arc<SuiteDefinitions>,
    prefix: String,
    one_status_writer: bool,
    workers: usize,
    console: Arc<Console>,
    /// Those who leave files.
    written: Arc<Reporters>,
    progress: Arc<Progress>,
    interrupt: Arc<Interrupt>,
    secrets: RunSecrets,
    reports: Vec<SpecReport>,
}

impl RunSession {
    fn run(&mut self, choice: &Choice, seed: u64) -> Result<ExitCode, String> {
        let mut all = Reporters::default();
        all.add(Arc::clone(&self.console));
        all.add(Arc::clone(&self.written));
        let all = Arc::new(all);
        all.run_begins(&RunInfo {
            suite: suite_name(),
            tier: self.tier.name().to_owned(),
            seed,
            specs: choice.runs.len(),
            workers: self.workers,
        });
        let last_seed = self.repeat(choice, seed, &all);
        self.tier.stop();
        self.keep_flakes();
        let written = all.run_ended();
        let figures = self.console.ends(&self.remarks(last_seed));
        written.map_err(|error| error.to_string())?;
        Ok(match self.interrupt.requested() {
            Some(called) => ExitCode::from(called.by.exit_status()),
            None if figures.failed > 0 => ExitCode::from(FAILED),
            None => ExitCode::SUCCESS,
        })
    }

    /// Gives the seed of the last repetition.
    fn repeat(&mut self, choice: &Choice, seed: u64, reporters: &Arc<Reporters>) -> u64 {
        let limit = self.options.repeat.unwrap_or(if self.options.until_it_fails { u64::MAX } else { 1 });
        let mut repetition = 0;
        loop {
            let seed = seed_of_repetition(seed, repetition);
            repetition += 1;
            if limit > 1 {
                let of = if limit == u64::MAX { String::new() } else { format!(" of {limit}") };
                print_to_stderr(&format!("repetition {repetition}{of}, seed {seed}"));
            }
            self.console.begins();
            if repetition == 1 {
                choice.skipped.iter().for_each(|report| reporters.spec_ended(report));
                self.reports.extend(choice.skipped.iter().cloned());
            }
            let run = Arc::new(self.one_run(seed, reporters));
            let units = units(choice.runs.clone(), self.options.order, seed);
            self.reports.extend(run_units(&units, &run, self.workers));
            if repetition >= limit || self.console.has_failed() || self.interrupt.requested().is_some() {
                return seed;
            }
        }
    }

    fn one_run(&self, seed: u64, reporters: &Arc<Reporters>) -> Run {
        Run {
            tier: Arc::clone(&self.tier),
            definitions: Arc::clone(&self.definitions),
            prefix: self.prefix.clone(),
            seed,
            spec_limit: self.options.spec_timeout,
            // What undoes a spec on real nodes waits for them: faults and clusters have limits of ten minutes and
            // five.
            silence: if self.tier.has(Need::Kubelet) { mins(25) } else { mins(5) },
            retries: self.options.retries,
            fail_fast: self.options.fail_fast,
            one_status_writer: self.one_status_writer,
            report: self.options.report.clone(),
            reporters: Arc::clone(reporters),
            progress: Arc::clone(&self.progress),
            halt: StopFlag::default(),
            interrupt: Arc::clone(&self.interrupt),
            secrets: self.secrets.clone(),
        }
    }

    /// Reports have one entry for each spec, the newest: one that was flaky in an earlier repetition stays it.
    fn keep_flakes(&self) {
        let mut told = BTreeSet::new();
        for (at, report) in self.reports.iter().enumerate().rev() {
            let newest = told.insert(&report.name);
            let later = &self.reports[at + 1..];
            let passed_since =
                || later.iter().all(|later| later.name != report.name || later.outcome == Outcome::Passed);
            if !newest && matches!(report.outcome, Outcome::Flaky { .. }) && passed_since() {
                self.written.spec_ended(report);
            }
        }
    }

    /// Remarks before the counts.
    fn remarks(&self, seed: u64) -> String {
        let mut text = String::new();
        let flaky = self.reports.iter().filter_map(|report| match &report.outcome {
            Outcome::Flaky { story } => Some((report, story)),
            _ => None,
        });
        for (at, (report, story)) in flaky.enumerate() {
            text.push_str(if at == 0 { "\nflaky, failed and then passed:\n" } else { "" });
            let (name, tried) = (&report.name, report.attempts.len());
            let _ = write!(text, "\n---- {name} (attempt {} of {tried}) ----\n{story}\n", tried - 1);
        }
        let mut slow: Vec<_> =
            self.reports.iter().filter(|report| report.seconds >= self.options.slow.as_secs_f64()).collect();
        slow.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        if !slow.is_empty() {
            let _ = write!(text, "\nslow, {} or more:", seconds(self.options.slow));
            for report in slow.iter().take(SLOWEST) {
                let took = Duration::from_secs_f64(report.seconds);
                push_line(&mut text, &format!("{:>8.2}s  {}", took.as_secs_f64(), report.name));
            }
            text.push('\n');
        }
        if let Some(called) = self.interrupt.requested() {
            let _ = write!(text, "\nended by {} before all specs had their turn\n", called.by);
        } else if self.console.has_failed() {
            let _ = write!(text, "\nthe same run again: SEATRIAL_SEED={seed}\n");
        }
        text
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str("\n    ");
    text.push_str(line);
}

fn default_seed(tier: TierKind) -> u64 {
    if tier == TierKind::Fake {
        return 0;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    splitmix(since.as_secs() ^ u64::from(since.subsec_nanos()) << 32 ^ u64::from(std::process::id()))
}
