//! Running cargo (and what it runs) so that a person sees its output at once, and its tests are counted.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};
pub(crate) use seatrial_e2e::deploy::cargo;

/// Tests of one or several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
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

/// How a command ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) counts: Counts,
}

impl Outcome {
    /// The figures, or an error if anything failed: a run that could not be counted is a failure, too.
    pub(crate) fn verdict(self, what: &str) -> Result<Counts> {
        anyhow::ensure!(self.success && self.counts.failed == 0, "{what} failed ({})", self.counts);
        Ok(self.counts)
    }
}

/// Runs a command, passing its output on line by line, and counts the tests that it reports.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    run_told(command, |_| ())
}

/// The same; `started` hears the child's process id as soon as it has one. It has ended when nobody writes to its output
/// any more: cargo may be gone before the tests that it runs.
pub(crate) fn run_told(command: &mut Command, started: impl FnOnce(u32)) -> Result<Outcome> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", command.get_program().display()))?;
    started(child.id());
    let stdout = child.stdout.take().context("the child's output was asked for")?;
    let reader = thread::spawn(move || {
        let mut counts = Counts::default();
        for line in BufReader::new(stdout).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line);
            tell(&line);
            counts += count(&line).unwrap_or_default();
        }
        counts
    });
    let status = child.wait().context("failed to wait for a child")?;
    let counts = reader.join().ok().context("the thread that reads a child's output panicked")?;
    Ok(Outcome { success: status.success(), counts })
}

/// Passes a child's line on.
fn tell(line: &str) {
    if cfg!(test) {
        // Kept with the test's own output: a run of these tests would take a child's figures for theirs.
        println!("{line}");
    } else {
        // A reader that is gone (a pipe to `head`, say) must not end the tests.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// What a test runner's closing line says.
fn count(line: &str) -> Option<Counts> {
    let rest = line.trim().strip_prefix("test result: ")?;
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
        assert_eq!(count("test result: ok. many passed"), None);
    }

    #[test]
    fn a_command_that_fails_without_a_word_is_a_failure() {
        let outcome = run(&mut Command::new("false")).unwrap();
        assert!(outcome.verdict("false").is_err());
    }

    #[test]
    fn figures_of_several_runners_are_summed() {
        let mut script = Command::new("sh");
        script.args(["-c", "echo 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured'; echo 'test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured'"]);
        let counts = run(&mut script).unwrap().verdict("the script").unwrap();
        assert_eq!(counts, Counts { passed: 5, failed: 0, skipped: 1 });
    }
}
