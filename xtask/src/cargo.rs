//! Running cargo (and what it runs) so that a person sees its output at once, and its tests are counted.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
pub(crate) use seatrial_e2e::deploy::cargo;

use crate::failures::{Failure, Reader, Stream};

/// Tests of one or several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    /// How many there were; what is skipped was there.
    pub(crate) fn all(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// Test targets, as cargo chooses them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) tests: &'static [&'static str],
    /// Programs that the tests run, which `cargo test` would not build for them.
    pub(crate) programs: &'static [&'static str],
}

impl Target {
    /// Builds them: cargo shows on standard error how far it is.
    pub(crate) fn build(self) -> Command {
        let mut command = cargo();
        command.arg("build").args(self.tests).args(self.programs);
        command
    }

    /// Runs them, without a word of cargo's. What is added goes to the tests' own runner.
    pub(crate) fn run(self) -> Command {
        let mut command = cargo();
        command.args(["test", "--quiet"]).args(self.tests).args(["--no-fail-fast", "--"]);
        command
    }
}

/// How a command ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) counts: Counts,
    /// What it said of what failed.
    pub(crate) failures: Vec<Failure>,
}

impl Outcome {
    /// The figures, or an error if anything failed: a run that could not be counted is a failure, too.
    pub(crate) fn verdict(self, what: &str) -> Result<Counts> {
        let Self { success, counts, failures } = self;
        if success && counts.failed == 0 {
            return Ok(counts);
        }
        Err(Failed { what: what.to_owned(), counts, failures }.into())
    }
}

/// What several commands came to. One that failed keeps none of the others from its turn.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    counts: Counts,
    failed: Vec<String>,
    failures: Vec<Failure>,
}

impl Parts {
    /// Counts one that has ended or could not begin, and says so if it failed.
    pub(crate) fn add(&mut self, what: &str, outcome: Result<Outcome>) {
        let error = match outcome.and_then(|outcome| outcome.verdict(what)) {
            Ok(counts) => return self.counts += counts,
            Err(error) => error,
        };
        complain(&format!("error: {error:#}"));
        let failures = match error.downcast::<Failed>() {
            Ok(Failed { counts, failures, .. }) => {
                self.counts += counts;
                failures
            }
            Err(error) => vec![Failure::of_text(&format!("{error:#}"))],
        };
        self.failed.push(what.to_owned());
        self.failures.extend(failures);
    }

    /// The figures, or an error if anything failed.
    pub(crate) fn verdict(self) -> Result<Counts> {
        let Self { counts, failed, failures } = self;
        if failed.is_empty() {
            return Ok(counts);
        }
        Err(Failed { what: failed.join(" and "), counts, failures }.into())
    }
}

/// That a run failed, with its figures and what is known of each failure.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed{}", in_brackets(*counts))]
pub(crate) struct Failed {
    what: String,
    pub(crate) counts: Counts,
    pub(crate) failures: Vec<Failure>,
}

/// Where nothing was counted, nothing is said of it.
fn in_brackets(counts: Counts) -> String {
    if counts == Counts::default() { String::new() } else { format!(" ({counts})") }
}

/// Prints the figures of a run, also of one that failed: they are the last line that it prints.
pub(crate) fn sum_up(run: Result<Counts>) -> Result<Counts> {
    let failed = || run.as_ref().err()?.downcast_ref::<Failed>().map(|failed| failed.counts);
    if let Some(counts) = run.as_ref().ok().copied().or_else(failed) {
        say(&counts.to_string());
    }
    run
}

/// What is heard of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    /// Its output. Its errors go where ours go, so that on a terminal cargo shows how far it is.
    Output,
    /// Both, for whoever tells afterwards what failed.
    All,
}

/// Runs a command, passing its output on to `tell` line by line, and counts the tests that it reports. `started` hears the
/// child's process id as soon as it has one. It has ended when nobody writes to its output any more: cargo may be gone
/// before the tests that it runs.
pub(crate) fn run_told(
    command: &mut Command,
    hears: Hears,
    tell: impl Fn(&str) + Send + 'static,
    started: impl FnOnce(u32),
) -> Result<Outcome> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if hears == Hears::All {
        command.stderr(Stdio::piped());
    }
    let program = command.get_program().display().to_string();
    let mut child = command.spawn().with_context(|| format!("failed to start {program}"))?;
    started(child.id());
    let stdout = child.stdout.take().context("the child's output was asked for")?;
    let errors = child.stderr.take().map(|stderr| {
        thread::spawn(move || {
            let mut reader = Reader::new(Stream::Errors);
            each_line(stderr, |line| {
                complain(line);
                reader.hear(line);
            });
            reader.end()
        })
    });
    let output = thread::spawn(move || {
        let (mut counts, mut reader) = (Counts::default(), Reader::new(Stream::Output));
        each_line(stdout, |line| {
            tell(line);
            counts += count(line).unwrap_or_default();
            reader.hear(line);
        });
        (counts, reader.end())
    });
    let status = child.wait().context("failed to wait for a child")?;
    let panicked = "the thread that reads a child's output panicked";
    let (counts, mut failures) = output.join().ok().context(panicked)?;
    if let Some(errors) = errors {
        failures.extend(errors.join().ok().context(panicked)?);
    }
    Ok(Outcome { success: status.success(), counts, failures })
}

fn each_line(stream: impl Read, mut hear: impl FnMut(&str)) {
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        hear(&String::from_utf8_lossy(&line));
    }
}

/// Prints a line of ours or a child's.
pub(crate) fn say(line: &str) {
    if cfg!(test) {
        // Kept with the test's own output: a run of these tests would take a child's figures for theirs.
        println!("{line}");
    } else {
        // A reader that is gone (a pipe to `head`, a terminal that was closed) must not end the tests, nor the tidying up.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// The same on standard error.
pub(crate) fn complain(line: &str) {
    if cfg!(test) {
        eprintln!("{line}");
    } else {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// What a test runner's closing line says. One that is quoted is indented.
fn count(line: &str) -> Option<Counts> {
    let rest = line.strip_prefix("test result: ")?;
    let number = |word: &str| -> Option<usize> {
        let before = rest.split(word).next()?;
        before.trim_end().rsplit(' ').next()?.parse().ok()
    };
    Some(Counts { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closing_line_is_counted_and_another_is_not() {
        let line =
            "test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(count(line), Some(Counts { passed: 12, failed: 1, skipped: 3 }));
        assert_eq!(count("test a ... ok"), None);
        assert_eq!(count(&format!("    {line}")), None, "it is quoted");
        assert_eq!(count("test result: ok. many passed"), None);
    }

    #[test]
    fn a_command_that_fails_without_a_word_is_a_failure() {
        let outcome = run_told(&mut Command::new("false"), Hears::Output, say, |_| ()).unwrap();
        assert!(outcome.verdict("false").is_err());
    }

    #[test]
    fn a_part_that_fails_or_cannot_begin_keeps_no_other_from_its_turn() {
        let counts = Counts { passed: 2, ..Counts::default() };
        let mut parts = Parts::default();
        let failure = Failure { name: "x".into(), ..Failure::default() };
        parts.add("one", Ok(Outcome { success: false, counts, failures: vec![failure] }));
        parts.add("two", Err(anyhow::anyhow!("there is no cargo")));
        parts.add("three", Ok(Outcome { success: true, counts, failures: Vec::new() }));
        let error = parts.verdict().unwrap_err().downcast::<Failed>().unwrap();
        assert_eq!(error.to_string(), "one and two failed (4 passed, 0 failed, 0 skipped)");
        let names: Vec<_> = error.failures.iter().map(|failure| failure.name.as_str()).collect();
        assert_eq!(names, ["x", "there is no cargo"]);
    }

    #[test]
    fn what_failed_is_heard_on_both_streams_where_both_are_heard() {
        let run = |hears| {
            let mut script = Command::new("sh");
            script.args(["-c", "echo 'test a ... FAILED'; echo 'error: b' >&2; exit 1"]);
            script.stderr(Stdio::null());
            let outcome = run_told(&mut script, hears, say, |_| ()).unwrap();
            outcome.failures.into_iter().map(|failure| failure.name).collect::<Vec<_>>()
        };
        assert_eq!(run(Hears::All), ["a", "error: b"]);
        assert_eq!(run(Hears::Output), ["a"]);
    }

    #[test]
    fn figures_of_several_runners_are_summed() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured'; echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured'"]);
        let counts =
            run_told(&mut script, Hears::Output, say, |_| ()).unwrap().verdict("the script").unwrap();
        assert_eq!(counts, Counts { passed: 5, failed: 0, skipped: 1 });
    }
}
