//! Parsing of failures from the output of test runners and commands.
//!
//! It recognizes the formats of libtest, the spec runner, rustfmt and the commands of xtask.

mod formats;
mod summary;

pub(crate) use summary::{FailedPart, summarize};

use formats::{Format, continues, is_panic, opening};

/// The maximum number of lines of a failure.
const MAX_FAILURE_LINES: usize = 14;
/// The maximum length of a line, in characters.
const MAX_LINE_LENGTH: usize = 240;
/// The maximum number of failures of a run with their messages.
const MAX_FAILURES: usize = 100;

/// A failed test, spec or check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    /// The first lines of its message.
    pub(crate) lines: Vec<String>,
    /// The number of further lines.
    pub(crate) left_out: usize,
}

impl Failure {
    fn named(name: &str) -> Self {
        Self { name: truncate(name), ..Self::default() }
    }

    /// A failure from the text of an error, whose first line is the name.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut lines = text.lines();
        let mut failure = Self::named(lines.next().unwrap_or_default());
        lines.for_each(|line| failure.push_line(line));
        failure
    }

    fn push_line(&mut self, line: &str) {
        if self.lines.len() < MAX_FAILURE_LINES {
            self.lines.push(truncate(line));
        } else {
            self.left_out += 1;
        }
    }
}

/// The stream of a child that is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Errors,
}

/// A parser of one stream, line by line.
pub(crate) struct FailureParser {
    stream: Stream,
    open: Option<(Format, Failure)>,
    /// True in a backtrace, whose lines are skipped.
    in_backtrace: bool,
    found: Vec<Failure>,
    /// Names without a message and panics, used only if no other failure was found.
    fallbacks: Vec<Failure>,
}

impl FailureParser {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, open: None, in_backtrace: false, found: Vec::new(), fallbacks: Vec::new() }
    }

    pub(crate) fn push_line(&mut self, line: &str) {
        let line = strip_ansi(line);
        let inside = self.open.as_ref().map(|(format, _)| *format);
        if let Some((format, name)) = opening(self.stream, inside, &line) {
            self.close();
            self.open = Some((format, Failure::named(name)));
        } else if let Some(format) = inside {
            if continues(format, &line) {
                self.append(format, &line);
            } else {
                // The command to rerun belongs to the failure.
                if line.starts_with("run it again: ") {
                    self.append(format, &line);
                }
                self.close();
            }
        }
    }

    fn append(&mut self, format: Format, line: &str) {
        let Some((_, failure)) = &mut self.open else { return };
        if format == Format::Test {
            if line.starts_with("stack backtrace:") {
                self.in_backtrace = true;
            }
            let panicked = is_panic(line);
            if panicked && !failure.lines.iter().any(|line| is_panic(line)) {
                // The output of the test before the panic is dropped.
                (failure.lines, failure.left_out) = (Vec::new(), 0);
            }
            self.in_backtrace &= !panicked;
        }
        if format == Format::Spec
            && ["evidence: ", "run it again: "].iter().any(|begin| line.starts_with(begin))
        {
            // Kept in addition to the maximum number of lines.
            failure.lines.push(truncate(line));
            return;
        }
        let empty = line.trim().is_empty() && failure.lines.is_empty();
        if !self.in_backtrace && !empty && !line.starts_with("note: run with `RUST_BACKTRACE") {
            failure.push_line(line);
        }
    }

    fn close(&mut self) {
        self.in_backtrace = false;
        let Some((format, mut failure)) = self.open.take() else { return };
        while failure.left_out == 0 && failure.lines.last().is_some_and(|line| line.trim().is_empty()) {
            failure.lines.pop();
        }
        let alone = matches!(format, Format::NameOnly | Format::Panic);
        let list = if alone { &mut self.fallbacks } else { &mut self.found };
        if list.len() >= MAX_FAILURES {
            (failure.left_out, failure.lines) = (failure.left_out + failure.lines.len(), Vec::new());
        }
        list.push(failure);
    }

    /// All failures, without duplicates.
    pub(crate) fn finish(mut self) -> Vec<Failure> {
        self.close();
        let Self { stream, mut found, fallbacks, .. } = self;
        if stream == Stream::Errors {
            return if found.is_empty() { fallbacks } else { found };
        }
        for mark in fallbacks {
            let of_it = |failure: &Failure| {
                failure.name == mark.name || failure.name.ends_with(&format!(" / {}", mark.name))
            };
            if !found.iter().any(of_it) {
                found.push(mark);
            }
        }
        found
    }
}

fn truncate(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_LENGTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.trim_end().to_owned(),
    }
}

/// A line without ANSI escape sequences.
fn strip_ansi(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| letter.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        text.push_str(&part[end..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: Stream, text: &str) -> Vec<Failure> {
        let mut parser = FailureParser::new(stream);
        text.lines().for_each(|line| parser.push_line(line));
        parser.finish()
    }

    #[track_caller]
    fn check(stream: Stream, text: &str, expected: &[(&str, &[&str])]) {
        let found = read(stream, text);
        let found: Vec<(&str, Vec<&str>)> = found
            .iter()
            .map(|one| (one.name.as_str(), one.lines.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<_> = expected.iter().map(|(name, lines)| (*name, lines.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_failed_test_has_its_panic_without_output_and_backtrace() {
        let text = "
running 3 tests
..
store::a_page_shows_one_revision --- FAILED

failures:

---- store::a_page_shows_one_revision stdout ----
a line that the test printed

thread 'store::a_page_shows_one_revision' (71) panicked at src/store.rs:7:9:
assertion `left == right` failed
  left: 1
 right: 2
stack backtrace:
   0: rust_begin_unwind
note: run with `RUST_BACKTRACE=full` for more

---- store::says_why stdout ----
Error: \"no\"

failures:
    store::a_page_shows_one_revision
    store::says_why

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let panic = [
            "thread 'store::a_page_shows_one_revision' (71) panicked at src/store.rs:7:9:",
            "assertion `left == right` failed",
            "  left: 1",
            " right: 2",
        ];
        let expected: [(&str, &[&str]); 2] =
            [("store::a_page_shows_one_revision", &panic), ("store::says_why", &["Error: \"no\""])];
        check(Stream::Output, text, &expected);
    }

    #[test]
    fn a_test_that_aborted_its_runner_is_named() {
        let text = "running 2 tests\nstore::dies --- FAILED\ntest other::one ... FAILED\ntest two ... ok\n";
        check(Stream::Output, text, &[("store::dies", &[]), ("other::one", &[])]);
    }

    #[test]
    fn a_failed_spec_has_its_full_name_message_and_rerun_command() {
        let text = "
Machine
  ✓ starts (250 ms)
  ✗ is ready (1.00 s)
Cluster
  ✗ grows (2.00 s)

── failed: Machine / is ready ──────────────────────────
waited 1 s until Machine m is ready
    -status: True
    +status: False

last seen: nothing
evidence: out/artefacts/specs-fake/x/attempt-1
run it again: SEATRIAL_SEED=7 cargo test

the same run again: SEATRIAL_SEED=7

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        let story: &[&str] = &[
            "waited 1 s until Machine m is ready",
            "    -status: True",
            "    +status: False",
            "",
            "last seen: nothing",
            "evidence: out/artefacts/specs-fake/x/attempt-1",
            "run it again: SEATRIAL_SEED=7 cargo test",
        ];
        check(Stream::Output, text, &[("Machine / is ready", story), ("grows", &[])]);
    }

    #[test]
    fn a_quoted_failure_is_not_a_failure() {
        let text =
            "failures:\n\n---- a stdout ----\nit printed:\n── failed: b ──\nDIFFERENT c\n  ✗ d (1 s)\n";
        let lines: &[&str] = &["it printed:", "── failed: b ──", "DIFFERENT c", "  ✗ d (1 s)"];
        check(Stream::Output, text, &[("a", lines)]);
        let story = "── failed: a ──\nerror: it said\ntest x ... FAILED\nrun it again: x\n";
        let lines: &[&str] = &["error: it said", "test x ... FAILED", "run it again: x"];
        check(Stream::Output, story, &[("a", lines)]);
    }

    #[test]
    fn differing_cases_and_stale_lines_are_named() {
        let text =
            "UNCOVERED: offered, but no case asks for it; write one in areas/:\n  v1 pods get\ncoverage: 3
DIFFERENT list: a page\n-a\n+b\n\nSTALE read: b\nno longer differs; take out of the ledger: x\n
area   identical   in the ledger   different\n";
        let expected: [(&str, &[&str]); 3] = [
            ("UNCOVERED: offered, but no case asks for it; write one in areas/:", &["  v1 pods get"]),
            ("DIFFERENT list: a page", &["-a", "+b"]),
            ("STALE read: b", &["no longer differs; take out of the ledger: x"]),
        ];
        check(Stream::Output, text, &expected);
    }

    #[test]
    fn failures_of_kubectl_page_and_rustfmt_are_named() {
        let text = "ok      kubectl version\nFAILED  kubectl get pods\n        fake, exit Some(0):\na\nok      kubectl get x\n1 passed, 1 failed, 0 skipped\n";
        check(Stream::Output, text, &[("kubectl get pods", &["        fake, exit Some(0):", "a"])]);
        let text = "test the filter filters ... FAILED\n  the page says 3\ntest b ... ok\n";
        check(Stream::Output, text, &[("the filter filters", &["  the page says 3"])]);
        let text = "Diff in /x/src/a.rs:3:\n-fn  a() {}\n+fn a() {}\nDiff in /x/src/b.rs:9:\n+\n";
        let expected: [(&str, &[&str]); 2] =
            [("Diff in /x/src/a.rs:3:", &["-fn  a() {}", "+fn a() {}"]), ("Diff in /x/src/b.rs:9:", &["+"])];
        check(Stream::Output, text, &expected);
    }

    #[test]
    fn errors_on_stderr_are_parsed_with_their_causes() {
        let text = "\u{1b}[1m\u{1b}[91merror[E0308]\u{1b}[0m: mismatched types
  --> src/a.rs:1:1\n\nwarning: unused\n  --> src/b.rs\n\nreal: 50 of 100 cases
error: test failed, to rerun pass `-p x --lib`\n
Caused by:\n  process didn't exit successfully: `/t/x` (signal: 9, SIGKILL: kill)\n";
        let expected: [(&str, &[&str]); 3] = [
            ("error[E0308]: mismatched types", &["  --> src/a.rs:1:1"]),
            ("error: test failed, to rerun pass `-p x --lib`", &[]),
            ("Caused by:", &["  process didn't exit successfully: `/t/x` (signal: 9, SIGKILL: kill)"]),
        ];
        check(Stream::Errors, text, &expected);
        // On the other stream the same text is ordinary output.
        assert_eq!(read(Stream::Output, text), []);
    }

    #[test]
    fn a_panic_on_stderr_is_used_if_nothing_else_failed() {
        let panic = "thread 'main' panicked at src/a.rs:1:1:\nno\nnote: run with `RUST_BACKTRACE=1`\n";
        let expected: &[&str] = &["no"];
        check(Stream::Errors, panic, &[("thread 'main' panicked at src/a.rs:1:1:", expected)]);
        check(Stream::Errors, &format!("{panic}\nerror: it failed\n"), &[("error: it failed", &[])]);
    }

    #[test]
    fn excess_lines_are_counted() {
        let text = format!(
            "DIFFERENT a\n{}{}\n",
            "+x\n".repeat(MAX_FAILURE_LINES + 5),
            "y".repeat(MAX_LINE_LENGTH + 9)
        );
        let [failure] = &read(Stream::Output, &text)[..] else { panic!("one failure") };
        assert_eq!((failure.lines.len(), failure.left_out), (MAX_FAILURE_LINES, 6));
        let story = format!(
            "── failed: a ──\n{}evidence: out\nrun it again: x\n",
            "y\n".repeat(MAX_FAILURE_LINES + 5)
        );
        let [failure] = &read(Stream::Output, &story)[..] else { panic!("one failure") };
        assert_eq!(
            (failure.left_out, &failure.lines[MAX_FAILURE_LINES..]),
            (5, &["evidence: out", "run it again: x"].map(String::from)[..])
        );
        let many = read(Stream::Output, &"DIFFERENT a\n+x\n".repeat(MAX_FAILURES + 2));
        assert_eq!(
            (many.len(), many[MAX_FAILURES].lines.len(), many[MAX_FAILURES].left_out),
            (MAX_FAILURES + 2, 0, 1)
        );
        assert_eq!(truncate(&"ä".repeat(MAX_LINE_LENGTH + 1)), format!("{}…", "ä".repeat(MAX_LINE_LENGTH)));
    }
}
