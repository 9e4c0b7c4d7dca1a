//! From a suite to an exit code, the way libtest would: `cargo test` and nextest both drive it.
//!
//! What can run is decided here, when specs are listed: a spec whose need the tier lacks is listed as
//! ignored with the reason in front of its name, so that nextest too shows a skip as a skip.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::failure::sentence;
use crate::options::{Options, TierKind};
use crate::report::{Attempt, Files, Outcome, Reporter as _, Reporters, SpecReport, suite_name};
use crate::span::mins;
use crate::spec::life::{Run, run_spec};
use crate::spec::plan::{Spec, plan};
use crate::spec::tree::Suite;
use crate::tier::{Definitions, Tier, choose};

/// The exit status of a run that could not begin. A failed spec is 101, as with libtest.
const CANNOT_BEGIN: u8 = 2;

/// Stands in front of the reason in the name of a spec that is listed as ignored.
const SKIPPED: &str = "skipped: ";

/// How many specs run at once where time is real: they wait for most of it (a namespace alone takes more
/// than five seconds to go), so this is not a matter of cores. `--test-threads` has the last word.
const PARALLEL_WAITS: usize = 8;

/// Runs a test target's specs: the whole of its `main`.
///
/// The command line is libtest's. Options of our own are environment variables:
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `SEATRIAL_TIER` | `fake`, `envtest`, `kind` or `existing` | `fake` |
/// | `SEATRIAL_SEED` | seed of everything random | 0 on `fake`, else another one for every run |
/// | `SEATRIAL_LABELS` | `recovery,!slow`: specs with one of the labels, without those behind `!` | all |
/// | `SEATRIAL_SPEC_TIMEOUT` | how long a spec may take: `90s`, `5m` | `5m` |
/// | `SEATRIAL_REPORT` | a folder; each spec's outcome is merged into `report.json` in it | none |
/// | `SEATRIAL_CONTEXT_ALLOW` | kubeconfig contexts that tier `existing` may write to | none |
/// | `SEATRIAL_KIND_NODES` | how many nodes the cluster of tier `kind` has | 2 |
/// | `SEATRIAL_KIND_VERSION`, `SEATRIAL_NODE_IMAGE` | what its nodes are made from | the official image |
/// | `SEATRIAL_KIND_CLUSTER` | a cluster that is there, and that somebody else removes | none: one is made for the run |
/// | `SEATRIAL_HAS` | what the cluster of tier `existing` has | `controllers,kubelet,nodes:1` |
///
/// Exits with 0 when all that ran passed, 101 when a spec failed, 2 when the run could not begin.
pub fn run(build: impl FnOnce(&mut Suite)) -> ExitCode {
    let mut suite = Suite::new();
    build(&mut suite);
    match begin(suite) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(CANNOT_BEGIN)
        }
    }
}

fn begin(suite: Suite) -> Result<ExitCode, String> {
    let mut arguments = Arguments::from_args();
    let options = Options::from_env().map_err(|error| error.to_string())?;
    let mut specs = plan(&suite).map_err(|error| error.to_string())?;
    let all = specs.len();
    specs.retain(|spec| options.labels.lets_through(&spec.labels));
    let tier = choose(&options);
    let seed = options.seed.unwrap_or_else(|| default_seed(options.tier));
    if !arguments.list {
        tier.check().map_err(|error| sentence(&error))?;
        let chosen = if specs.len() < all {
            format!(", {} of {all} specs by label", specs.len())
        } else {
            String::new()
        };
        eprintln!("tier {}, seed {seed}{chosen}", tier.name());
    }
    if !tier.virtual_time() {
        arguments.test_threads.get_or_insert(PARALLEL_WAITS);
    }
    let run = Arc::new(Run {
        tier: Arc::clone(&tier),
        definitions: Definitions::new(suite.definitions),
        prefix: suite.prefix,
        seed,
        spec_limit: options.spec_timeout,
        silence: mins(5),
        live_steps: arguments.nocapture,
    });
    let mut reporters = Reporters::default();
    if let (Some(folder), false) = (&options.report, arguments.list) {
        reporters.add(Files::new(folder.clone()));
    }
    let reporters = Arc::new(reporters);
    let trials: Vec<_> = specs.into_iter().map(|spec| trial(spec, &run, &reporters)).collect();
    let skipped = skipped(&trials, &arguments, tier.name());
    let conclusion = libtest_mimic::run(&arguments, trials);
    tier.stop();
    for spec in &skipped {
        reporters.spec_ended(spec);
    }
    reporters.run_ended().map_err(|error| error.to_string())?;
    Ok(conclusion.exit_code())
}

fn trial(spec: Spec, run: &Arc<Run>, reporters: &Arc<Reporters>) -> Trial {
    let (run, reporters) = (Arc::clone(run), Arc::clone(reporters));
    let name = spec.name.clone();
    let missing = missing(&spec, &*run.tier);
    let ignored = missing.is_some();
    let kind = missing.as_ref().map(|needs| format!("{SKIPPED}needs {needs}")).unwrap_or_default();
    let body = move || {
        let ending = match missing {
            // Only with --ignored or --include-ignored: the caller insists, the tier still cannot.
            Some(needs) => return Err(format!("needs {needs}, which tier {} lacks", run.tier.name()).into()),
            None => run_spec(&spec, &run),
        };
        let story = ending.story();
        let failed = !ending.failures.is_empty();
        let outcome = if failed { Outcome::Failed { story: story.clone() } } else { Outcome::Passed };
        let seconds = ending.took.as_secs_f64();
        let report = SpecReport {
            labels: spec.labels.iter().cloned().collect(),
            seconds,
            seed: Some(run.seed),
            attempts: vec![Attempt { seconds, ..Attempt::default() }],
            ..entry(&spec.name, run.tier.name(), outcome)
        };
        reporters.spec_ended(&report);
        if failed { Err(Failed::from(story)) } else { Ok(()) }
    };
    Trial::test(name, body).with_ignored_flag(ignored).with_kind(kind)
}

/// What a spec needs and the tier lacks.
fn missing(spec: &Spec, tier: &dyn Tier) -> Option<String> {
    let missing: Vec<_> =
        spec.needs.iter().filter(|need| !tier.has(**need)).map(ToString::to_string).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// The report's entries for specs that this run leaves out because of a need.
fn skipped(trials: &[Trial], arguments: &Arguments, tier: &'static str) -> Vec<SpecReport> {
    let left_out =
        trials.iter().filter(|trial| arguments.is_ignored(trial) && !arguments.is_filtered_out(trial));
    left_out
        .map(|trial| {
            let reason = trial.kind().trim_start_matches(SKIPPED).to_owned();
            entry(trial.name(), tier, Outcome::Skipped { reason })
        })
        .collect()
}

fn entry(name: &str, tier: &str, outcome: Outcome) -> SpecReport {
    let path = name.split(" / ").map(str::to_owned).collect();
    let (suite, name, tier) = (suite_name(), name.to_owned(), tier.to_owned());
    SpecReport { suite, name, path, tier, outcome, ..SpecReport::default() }
}

fn default_seed(tier: TierKind) -> u64 {
    if tier == TierKind::Fake {
        return 0;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    crate::spec::splitmix(
        since.as_secs() ^ u64::from(since.subsec_nanos()) << 32 ^ u64::from(std::process::id()),
    )
}
