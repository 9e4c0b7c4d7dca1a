//! Child processes of cargo: streamed output, test counts and failures.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
pub(crate) use seatrial_e2e::deploy::cargo;

use crate::failures::{Failure, FailureParser, Stream};

/// The numbers of passed, failed and skipped tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    /// The number of all tests, the skipped ones included.
    pub(crate) fn total(self) -> usize {
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

/// Test targets, as arguments of cargo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) tests: &'static [&'static str],
    /// Arguments for programs that the tests run, which `cargo test` does not build.
    pub(crate) programs: &'static [&'static str],
}

impl Target {
    /// The command that builds the targets.
    pub(crate) fn build(self) -> Command {
        let mut command = cargo();
        command.arg("build").args(self.tests).args(self.programs);
        command
    }

    /// The command that runs the tests quietly. Further arguments go to the test runner.
    pub(crate) fn run(self) -> Command {
        let mut command = cargo();
        command.args(["test", "--quiet"]).args(self.tests).args(["--no-fail-fast", "--"]);
        command
    }
}

/// The result of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandOutcome {
    pub(crate) success: bool,
    pub(crate) counts: Counts,
    /// The failures in its output.
    pub(crate) failures: Vec<Failure>,
}

impl CommandOutcome {
    /// The counts, or an error if the command or any test failed.
    pub(crate) fn into_result(self, name: &str) -> Result<Counts> {
        let Self { success, counts, failures } = self;
        if success && counts.failed == 0 {
            return Ok(counts);
        }
        Err(RunFailed { name: name.to_owned(), counts, failures }.into())
    }
}

/// The results of several commands, all of which run even if one fails.
#[derive(Debug, Default)]
pub(crate) struct RunSummary {
    counts: Counts,
    failed: Vec<String>,
    failures: Vec<Failure>,
}

impl RunSummary {
    /// Adds the result of a command, and prints its error.
    pub(crate) fn add(&mut self, name: &str, outcome: Result<CommandOutcome>) {
        let error = match outcome.and_then(|outcome| outcome.into_result(name)) {
            Ok(counts) => return self.counts += counts,
            Err(error) => error,
        };
        print_error(&format!("error: {error:#}"));
        let failures = match error.downcast::<RunFailed>() {
            Ok(RunFailed { counts, failures, .. }) => {
                self.counts += counts;
                failures
            }
            Err(error) => vec![Failure::from_text(&format!("{error:#}"))],
        };
        self.failed.push(name.to_owned());
        self.failures.extend(failures);
    }

    /// The counts, or an error if any command failed.
    pub(crate) fn into_result(self) -> Result<Counts> {
        let Self { counts, failed, failures } = self;
        if failed.is_empty() {
            return Ok(counts);
        }
        Err(RunFailed { name: failed.join(" and "), counts, failures }.into())
    }
}

/// The error of a failed run, with its counts and failures.
#[derive(Debug, thiserror::Error)]
#[error("{name} failed{}", counts_suffix(*counts))]
pub(crate) struct RunFailed {
    name: String,
    pub(crate) counts: Counts,
    pub(crate) failures: Vec<Failure>,
}

/// The counts in parentheses; empty if there are none.
fn counts_suffix(counts: Counts) -> String {
    if counts == Counts::default() { String::new() } else { format!(" ({counts})") }
}

/// Prints the counts of a run, also of a failed one, as the last line.
pub(crate) fn print_counts(run: Result<Counts>) -> Result<Counts> {
    let failed = || run.as_ref().err()?.downcast_ref::<RunFailed>().map(|failed| failed.counts);
    if let Some(counts) = run.as_ref().ok().copied().or_else(failed) {
        print_line(&counts.to_string());
    }
    run
}

/// The captured streams of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// Standard output. Standard error is inherited, so that cargo shows its progress on a terminal.
    Stdout,
    /// Standard output and standard error, for a summary of failures.
    Both,
}

/// Runs a command, passes its output to `on_line` and counts the tests that it reports. `on_start` gets the process id.
///
/// Waits until the output is closed, since the tests may outlive cargo.
pub(crate) fn run_streaming(
    command: &mut Command,
    capture: Capture,
    on_line: impl Fn(&str) + Send + 'static,
    on_start: impl FnOnce(u32),
) -> Result<CommandOutcome> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    if capture == Capture::Both {
        command.stderr(Stdio::piped());
    }
    let program = command.get_program().display().to_string();
    let mut child = command.spawn().with_context(|| format!("failed to start {program}"))?;
    on_start(child.id());
    let stdout = child.stdout.take().context("the child's output was asked for")?;
    let errors = child.stderr.take().map(|stderr| {
        thread::spawn(move || {
            let mut parser = FailureParser::new(Stream::Errors);
            each_line(stderr, |line| {
                print_error(line);
                parser.push_line(line);
            });
            parser.finish()
        })
    });
    let output = thread::spawn(move || {
        let (mut counts, mut parser) = (Counts::default(), FailureParser::new(Stream::Output));
        each_line(stdout, |line| {
            on_line(line);
            counts += count(line).unwrap_or_default();
            parser.push_line(line);
        });
        (counts, parser.finish())
    });
    let status = child.wait().context("failed to wait for a child")?;
    let panicked = "the thread that reads a child's output panicked";
    let (counts, mut failures) = output.join().ok().context(panicked)?;
    if let Some(errors) = errors {
        failures.extend(errors.join().ok().context(panicked)?);
    }
    Ok(CommandOutcome { success: status.success(), counts, failures })
}

fn each_line(stream: impl Read, mut on_line: impl FnMut(&str)) {
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        on_line(&String::from_utf8_lossy(&line));
    }
}

/// Prints a line to standard output.
pub(crate) fn print_line(line: &str) {
    if cfg!(test) {
        // Captured with the test's output, so that the counts of a child are not taken for those of the test run.
        println!("{line}");
    } else {
        // A closed pipe or terminal must end neither the tests nor the clean-up.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// Prints a line to standard error.
pub(crate) fn print_error(line: &str) {
    if cfg!(test) {
        eprintln!("{line}");
    } else {
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// Parses the last line of a test runner. A quoted one is indented and does not match.
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
    fn only_the_last_line_of_a_runner_is_counted() {
        let line =
            "test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(count(line), Some(Counts { passed: 12, failed: 1, skipped: 3 }));
        assert_eq!(count("test a ... ok"), None);
        assert_eq!(count(&format!("    {line}")), None, "it is quoted");
        assert_eq!(count("test result: ok. many passed"), None);
    }

    #[test]
    fn a_command_that_fails_without_output_is_a_failure() {
        let outcome = run_streaming(&mut Command::new("false"), Capture::Stdout, print_line, |_| ()).unwrap();
        assert!(outcome.into_result("false").is_err());
    }

    #[test]
    fn all_parts_run_even_if_one_fails() {
        let counts = Counts { passed: 2, ..Counts::default() };
        let mut parts = RunSummary::default();
        let failure = Failure { name: "x".into(), ..Failure::default() };
        parts.add("one", Ok(CommandOutcome { success: false, counts, failures: vec![failure] }));
        parts.add("two", Err(anyhow::anyhow!("there is no cargo")));
        parts.add("three", Ok(CommandOutcome { success: true, counts, failures: Vec::new() }));
        let error = parts.into_result().unwrap_err().downcast::<RunFailed>().unwrap();
        assert_eq!(error.to_string(), "one and two failed (4 passed, 0 failed, 0 skipped)");
        let names: Vec<_> = error.failures.iter().map(|failure| failure.name.as_str()).collect();
        assert_eq!(names, ["x", "there is no cargo"]);
    }

    #[test]
    fn failures_are_parsed_on_all_captured_streams() {
        let run = |capture| {
            let mut script = Command::new("sh");
            script.args(["-c", "echo 'test a ... FAILED'; echo 'error: b' >&2; exit 1"]);
            script.stderr(Stdio::null());
            let outcome = run_streaming(&mut script, capture, print_line, |_| ()).unwrap();
            outcome.failures.into_iter().map(|failure| failure.name).collect::<Vec<_>>()
        };
        assert_eq!(run(Capture::Both), ["a", "error: b"]);
        assert_eq!(run(Capture::Stdout), ["a"]);
    }

    #[test]
    fn counts_of_several_runners_are_summed() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured'; echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured'"]);
        let counts = run_streaming(&mut script, Capture::Stdout, print_line, |_| ())
            .unwrap()
            .into_result("the script")
            .unwrap();
        assert_eq!(counts, Counts { passed: 5, failed: 0, skipped: 1 });
    }
}
