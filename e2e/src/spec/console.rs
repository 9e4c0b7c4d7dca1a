//! Console output of a run: a tree of specs, or one of libtest's formats.
//!
//! An ordered group is one trial: libtest's line comes when the last of its specs has ended. The tree has a line for
//! each spec; where time is virtual a group is told as a whole, since it takes no time, and in the order in which it
//! was written.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, ColorSetting, FormatSetting};
use serde_json::json;

use crate::report::{
    AttemptStart, Moment, MomentKind, Outcome, Reporter, SpecReport, TreeFormatter, print_to_stderr,
};
use crate::spec::choice::{Choice, TrialNames};

/// Counts of a run's trials by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecCounts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    pub(crate) filtered_out: usize,
}

/// Prints while the run goes on, and the figures at its end.
pub(crate) struct Console {
    format: FormatSetting,
    /// Time at which the tree is printed, where it is printed.
    tree: Option<PrintTime>,
    color: bool,
    fail_on_flake: bool,
    /// True if steps are printed at once.
    live: bool,
    trials: Vec<TrialNames>,
    state: Mutex<ConsoleState>,
}

struct ConsoleState {
    out: Box<dyn Write + Send>,
    /// The reports of trials that have not ended, by the trial's place in the list.
    open: BTreeMap<usize, Vec<SpecReport>>,
    figures: SpecCounts,
    failures: Vec<(String, String)>,
    tree: TreeFormatter,
    /// Specs that ended and are not on the tree yet, by their outermost group.
    held: BTreeMap<String, Vec<SpecReport>>,
    /// Failed specs, explained at the end.
    explained: Vec<SpecReport>,
    started: Instant,
}

/// When the tree's lines are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PrintTime {
    /// As soon as they are known, for runs in real time.
    AtOnce,
    /// With the rest of their outermost group, in the order in which it was written.
    ByGroup,
}

/// Options of the console output.
pub(crate) struct OutputOptions {
    /// A flaky spec counts as failed.
    pub(crate) fail_on_flake: bool,
    /// Waits cost no time.
    pub(crate) virtual_time: bool,
    /// The report's folder, if there is one.
    pub(crate) report: Option<PathBuf>,
}

/// Outcome of a trial, in libtest's terms.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TrialEnd {
    Ok,
    Flaky,
    Failed,
    Ignored,
}

impl Console {
    pub(crate) fn new(arguments: &Arguments, choice: &Choice, manner: OutputOptions) -> io::Result<Self> {
        let OutputOptions { fail_on_flake, virtual_time, report } = manner;
        let telling = if virtual_time { PrintTime::ByGroup } else { PrintTime::AtOnce };
        let tree = (arguments.format.is_none() && !arguments.quiet).then_some(telling);
        let format = if arguments.quiet {
            FormatSetting::Terse
        } else {
            arguments.format.unwrap_or(FormatSetting::Pretty)
        };
        let color = match arguments.color {
            Some(ColorSetting::Always) => true,
            Some(ColorSetting::Never) => false,
            _ => {
                arguments.logfile.is_none()
                    && io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none()
            }
        };
        let out: Box<dyn Write + Send> = match &arguments.logfile {
            Some(path) => Box::new(std::fs::File::create(path)?),
            None => Box::new(io::stdout()),
        };
        let figures = SpecCounts { filtered_out: choice.filtered_out, ..SpecCounts::default() };
        let trials = choice.trials.clone();
        let (open, failures, started) = (BTreeMap::new(), Vec::new(), Instant::now());
        let (held, explained) = (BTreeMap::new(), Vec::new());
        let state = ConsoleState {
            out,
            open,
            figures,
            failures,
            tree: TreeFormatter::new(color, report),
            held,
            explained,
            started,
        };
        let state = Mutex::new(state);
        Ok(Self { format, tree, color, fail_on_flake, live: arguments.nocapture, trials, state })
    }

    fn state(&self) -> MutexGuard<'_, ConsoleState> {
        self.state.lock().expect("nobody panics while a line is printed")
    }

    /// Before a run or a repetition of it.
    pub(crate) fn begins(&self) {
        let (count, state) = (self.trials.len(), &mut *self.state());
        self.print_held_groups(state, |_| true);
        match self.format {
            FormatSetting::Json => {
                say(state, &json!({"type": "suite", "event": "started", "test_count": count}).to_string());
            }
            _ => say(state, &format!("\nrunning {count} test{}", if count == 1 { "" } else { "s" })),
        }
    }

    fn trial_ended(&self, trial: &TrialNames, reports: &[SpecReport], state: &mut ConsoleState) {
        let end = end_of(reports);
        match end {
            TrialEnd::Failed => state.figures.failed += 1,
            TrialEnd::Flaky if self.fail_on_flake => state.figures.failed += 1,
            TrialEnd::Ok | TrialEnd::Flaky => state.figures.passed += 1,
            TrialEnd::Ignored => state.figures.ignored += 1,
        }
        let story = story_of(trial, reports);
        match self.format {
            FormatSetting::Pretty if self.tree.is_some() => {}
            FormatSetting::Pretty => say(state, &self.line(trial, end)),
            FormatSetting::Terse => {
                let letter = match end {
                    TrialEnd::Ok => ".",
                    TrialEnd::Flaky => "f",
                    TrialEnd::Failed => "F",
                    TrialEnd::Ignored => "i",
                };
                // A reader that is gone (a pipe to `head`, say) must not end the specs.
                let _ = write!(state.out, "{}", self.painted(letter, end)).and_then(|()| state.out.flush());
            }
            FormatSetting::Json => {
                let event = match end {
                    TrialEnd::Ok | TrialEnd::Flaky => "ok",
                    TrialEnd::Failed => "failed",
                    TrialEnd::Ignored => "ignored",
                };
                say(
                    state,
                    &json!({"type": "test", "name": trial.name, "event": event, "stdout": story}).to_string(),
                );
            }
        }
        if end == TrialEnd::Failed || (end == TrialEnd::Flaky && self.fail_on_flake) {
            state.failures.push((trial.name.clone(), story));
        }
    }

    fn line(&self, trial: &TrialNames, end: TrialEnd) -> String {
        let word = match end {
            TrialEnd::Ok => "ok",
            TrialEnd::Flaky => "FLAKY",
            TrialEnd::Failed => "FAILED",
            TrialEnd::Ignored => "ignored",
        };
        let kind = if trial.kind.is_empty() { String::new() } else { format!("[{}] ", trial.kind) };
        format!("test {kind}{} ... {}", trial.name, self.painted(word, end))
    }

    fn painted(&self, word: &str, end: TrialEnd) -> String {
        let code = match end {
            TrialEnd::Ok => 32,
            TrialEnd::Failed => 31,
            TrialEnd::Flaky | TrialEnd::Ignored => 33,
        };
        if self.color { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() }
    }

    /// True if a trial has failed until now.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().figures.failed > 0
    }

    /// Summary of all runs. The last line is libtest's, which other programs read.
    pub(crate) fn ends(&self, remarks: &str) -> SpecCounts {
        let state = &mut *self.state();
        self.print_held_groups(state, |_| true);
        let (figures, took) = (state.figures, state.started.elapsed());
        if self.format == FormatSetting::Json {
            let event = if figures.failed > 0 { "failed" } else { "ok" };
            let line = json!({"type": "suite", "event": event, "passed": figures.passed, "failed": figures.failed,
                "ignored": figures.ignored, "measured": 0, "filtered_out": figures.filtered_out,
                "exec_time": took.as_secs_f64()});
            say(state, &line.to_string());
            return figures;
        }
        let failures = std::mem::take(&mut state.failures);
        if self.tree.is_some() {
            let explained: Vec<_> = state.explained.iter().map(|spec| state.tree.explained(spec)).collect();
            if !explained.is_empty() {
                say(state, explained.concat().trim_end());
            }
        } else if !failures.is_empty() {
            let stories: Vec<_> =
                failures.iter().map(|(name, story)| format!("---- {name} ----\n{story}\n\n")).collect();
            let names: Vec<_> = failures.iter().map(|(name, _)| format!("\n    {name}")).collect();
            say(state, &format!("\nfailures:\n\n{}\nfailures:{}", stories.concat(), names.concat()));
        }
        if !remarks.is_empty() {
            say(state, remarks.trim_end_matches('\n'));
        }
        let end = if figures.failed > 0 { TrialEnd::Failed } else { TrialEnd::Ok };
        if let Some(page) = state.tree.page() {
            say(state, &format!("\nreport: {}", page.display()));
        }
        let word = self.painted(if end == TrialEnd::Ok { "ok" } else { "FAILED" }, end);
        let SpecCounts { passed, failed, ignored, filtered_out, .. } = figures;
        say(
            state,
            &format!(
                "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; \
             {filtered_out} filtered out; finished in {:.2}s\n",
                Duration::as_secs_f64(&took)
            ),
        );
        figures
    }
}

impl Reporter for Console {
    fn happened(&self, spec: AttemptStart<'_>, moment: &Moment) {
        if self.live && moment.kind == MomentKind::Step {
            print_to_stderr(&format!("{}: {}", spec.path.join(" / "), moment.text));
        }
    }

    fn spec_ended(&self, spec: &SpecReport) {
        let Some(index) = self.trials.iter().position(|trial| trial.specs.contains(&spec.name)) else {
            return;
        };
        let (trial, state) = (&self.trials[index], &mut *self.state());
        if let Some(telling) = self.tree {
            self.onto_the_tree(spec, telling, state);
        }
        let reports = state.open.entry(index).or_default();
        reports.push(spec.clone());
        if reports.len() == trial.specs.len() {
            let mut reports = state.open.remove(&index).unwrap_or_default();
            reports.sort_by_key(|report| trial.specs.iter().position(|name| *name == report.name));
            self.trial_ended(trial, &reports, state);
        }
    }
}

/// The tree.
impl Console {
    fn onto_the_tree(&self, spec: &SpecReport, telling: PrintTime, state: &mut ConsoleState) {
        let explains = match &spec.outcome {
            Outcome::Failed { .. } | Outcome::Interrupted { .. } => true,
            Outcome::Flaky { .. } => self.fail_on_flake,
            _ => false,
        };
        if explains {
            state.explained.push(spec.clone());
        }
        if telling == PrintTime::AtOnce {
            let lines = state.tree.spec(spec);
            return say(state, lines.trim_end());
        }
        let group = outermost(&spec.name).to_owned();
        state.held.entry(group.clone()).or_default().push(spec.clone());
        let names = self.trials.iter().flat_map(|trial| &trial.specs);
        let whole = names.filter(|name| outermost(name) == group).count();
        self.print_held_groups(state, |(of, specs)| *of == group && specs.len() >= whole);
    }

    /// Tells the groups that are complete, in the order in which their specs were written.
    fn print_held_groups(
        &self,
        state: &mut ConsoleState,
        complete: impl Fn((&String, &Vec<SpecReport>)) -> bool,
    ) {
        let groups: Vec<_> =
            state.held.iter().filter(|group| complete(*group)).map(|(name, _)| name.clone()).collect();
        for group in groups {
            let mut specs = state.held.remove(&group).unwrap_or_default();
            specs.sort_by_cached_key(|spec| {
                self.trials.iter().flat_map(|trial| &trial.specs).position(|name| *name == spec.name)
            });
            let lines: Vec<_> = specs.iter().map(|spec| state.tree.spec(spec)).collect();
            say(state, lines.concat().trim_end());
        }
    }
}

fn outermost(name: &str) -> &str {
    name.split_once(" / ").map_or(name, |(group, _)| group)
}

/// A reader that is gone (a pipe to `head`, say) must not end the specs.
fn say(state: &mut ConsoleState, text: &str) {
    let _ = writeln!(state.out, "{text}");
}

fn end_of(reports: &[SpecReport]) -> TrialEnd {
    let any = |word: &str| reports.iter().any(|report| report.outcome.word() == word);
    match () {
        // libtest knows no other word for what has not passed.
        () if any("failed") || any("interrupted") => TrialEnd::Failed,
        () if any("flaky") => TrialEnd::Flaky,
        () if any("passed") => TrialEnd::Ok,
        () => TrialEnd::Ignored,
    }
}

/// Specs of an ordered group are printed by their names.
fn story_of(trial: &TrialNames, reports: &[SpecReport]) -> String {
    let told = reports.iter().filter_map(|report| {
        let part = report.name.strip_prefix(&trial.name).unwrap_or_default().trim_start_matches(" / ");
        let part = if part.is_empty() { String::new() } else { format!("{part}: ") };
        match &report.outcome {
            Outcome::Failed { story } | Outcome::Interrupted { story } | Outcome::Flaky { story } => {
                Some(format!("{part}{story}"))
            }
            Outcome::Skipped { reason } | Outcome::Pending { reason } if !part.is_empty() => {
                Some(format!("{part}left out: {reason}"))
            }
            _ => None,
        }
    });
    told.collect::<Vec<_>>().join("\n\n")
}
