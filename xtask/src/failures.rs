//! What failed in a run, by name and with the first lines of its message, read from what runners print while it passes by.
//!
//! It knows how failures look on paper (libtest's, the spec runner's, rustfmt's, and those of the commands here), and
//! neither runs nor prints anything.

mod account;
mod forms;

pub(crate) use account::{Part, account};

use forms::{Form, continues, is_a_panic, opening};

/// Lines of a failure that are kept.
const LINES: usize = 14;
/// Letters of a line that are kept.
const WIDTH: usize = 240;
/// Failures of one run that are kept with their messages.
const FAILURES: usize = 100;

/// One thing that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    /// The first lines of what was said about it.
    pub(crate) lines: Vec<String>,
    /// How many more there were.
    pub(crate) left_out: usize,
}

impl Failure {
    fn named(name: &str) -> Self {
        Self { name: clipped(name), ..Self::default() }
    }

    /// What is said of an error that has several lines: the first one is its name.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut lines = text.lines();
        let mut failure = Self::named(lines.next().unwrap_or_default());
        lines.for_each(|line| failure.hear(line));
        failure
    }

    fn hear(&mut self, line: &str) {
        if self.lines.len() < LINES {
            self.lines.push(clipped(line));
        } else {
            self.left_out += 1;
        }
    }
}

/// Which of a child's outputs is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Errors,
}

/// Reads one stream, line by line.
pub(crate) struct Reader {
    stream: Stream,
    open: Option<(Form, Failure)>,
    /// The rest of what is open says nothing more: a backtrace.
    silent: bool,
    found: Vec<Failure>,
    /// What counts only where nothing else is told: names that stood alone, and panics.
    marks: Vec<Failure>,
}

impl Reader {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, open: None, silent: false, found: Vec::new(), marks: Vec::new() }
    }

    pub(crate) fn hear(&mut self, line: &str) {
        let line = plain(line);
        let inside = self.open.as_ref().map(|(form, _)| *form);
        if let Some((form, name)) = opening(self.stream, inside, &line) {
            self.close();
            self.open = Some((form, Failure::named(name)));
        } else if let Some(form) = inside {
            if continues(form, &line) {
                self.keep(form, &line);
            } else {
                // It says how the spec is run again, which belongs to it.
                if line.starts_with("run it again: ") {
                    self.keep(form, &line);
                }
                self.close();
            }
        }
    }

    fn keep(&mut self, form: Form, line: &str) {
        let Some((_, failure)) = &mut self.open else { return };
        if form == Form::Test {
            if line.starts_with("stack backtrace:") {
                self.silent = true;
            }
            let panicked = is_a_panic(line);
            if panicked && !failure.lines.iter().any(|line| is_a_panic(line)) {
                // What the test printed before that explains less.
                (failure.lines, failure.left_out) = (Vec::new(), 0);
            }
            self.silent &= !panicked;
        }
        if form == Form::Spec && ["evidence: ", "run it again: "].iter().any(|begin| line.starts_with(begin))
        {
            // Whatever is left out of the story, this leads to it.
            failure.lines.push(clipped(line));
            return;
        }
        let empty = line.trim().is_empty() && failure.lines.is_empty();
        if !self.silent && !empty && !line.starts_with("note: run with `RUST_BACKTRACE") {
            failure.hear(line);
        }
    }

    fn close(&mut self) {
        self.silent = false;
        let Some((form, mut failure)) = self.open.take() else { return };
        while failure.left_out == 0 && failure.lines.last().is_some_and(|line| line.trim().is_empty()) {
            failure.lines.pop();
        }
        let alone = matches!(form, Form::Mark | Form::Panic);
        let list = if alone { &mut self.marks } else { &mut self.found };
        if list.len() >= FAILURES {
            (failure.left_out, failure.lines) = (failure.left_out + failure.lines.len(), Vec::new());
        }
        list.push(failure);
    }

    /// Everything that failed, each once.
    pub(crate) fn end(mut self) -> Vec<Failure> {
        self.close();
        let Self { stream, mut found, marks, .. } = self;
        if stream == Stream::Errors {
            return if found.is_empty() { marks } else { found };
        }
        for mark in marks {
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

fn clipped(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.trim_end().to_owned(),
    }
}

/// A line without its colours.
fn plain(line: &str) -> String {
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
        let mut reader = Reader::new(stream);
        text.lines().for_each(|line| reader.hear(line));
        reader.end()
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
    fn a_failed_test_is_named_with_its_panic_and_without_what_it_printed_before_and_the_backtrace() {
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
    fn a_test_that_took_its_runner_along_is_named_by_its_mark() {
        let text = "running 2 tests\nstore::dies --- FAILED\ntest other::one ... FAILED\ntest two ... ok\n";
        check(Stream::Output, text, &[("store::dies", &[]), ("other::one", &[])]);
    }

    #[test]
    fn a_failed_spec_is_named_by_its_whole_way_with_its_story_and_how_to_run_it_again() {
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
    fn what_is_quoted_in_a_message_is_no_failure_of_its_own() {
        let text =
            "failures:\n\n---- a stdout ----\nit printed:\n── failed: b ──\nDIFFERENT c\n  ✗ d (1 s)\n";
        let lines: &[&str] = &["it printed:", "── failed: b ──", "DIFFERENT c", "  ✗ d (1 s)"];
        check(Stream::Output, text, &[("a", lines)]);
        let story = "── failed: a ──\nerror: it said\ntest x ... FAILED\nrun it again: x\n";
        let lines: &[&str] = &["error: it said", "test x ... FAILED", "run it again: x"];
        check(Stream::Output, story, &[("a", lines)]);
    }

    #[test]
    fn cases_that_differ_and_lines_that_are_stale_are_named() {
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
    fn commands_of_kubectl_checks_of_the_page_and_badly_formatted_files_are_named() {
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
    fn errors_of_the_compiler_and_of_commands_are_taken_from_the_other_stream_with_their_causes() {
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
        // The same words on the other stream are somebody's output.
        assert_eq!(read(Stream::Output, text), []);
    }

    #[test]
    fn a_panic_on_the_other_stream_is_taken_where_nobody_tells_more() {
        let panic = "thread 'main' panicked at src/a.rs:1:1:\nno\nnote: run with `RUST_BACKTRACE=1`\n";
        let expected: &[&str] = &["no"];
        check(Stream::Errors, panic, &[("thread 'main' panicked at src/a.rs:1:1:", expected)]);
        check(Stream::Errors, &format!("{panic}\nerror: it failed\n"), &[("error: it failed", &[])]);
    }

    #[test]
    fn much_is_counted_and_not_kept() {
        let text = format!("DIFFERENT a\n{}{}\n", "+x\n".repeat(LINES + 5), "y".repeat(WIDTH + 9));
        let [failure] = &read(Stream::Output, &text)[..] else { panic!("one failure") };
        assert_eq!((failure.lines.len(), failure.left_out), (LINES, 6));
        let story = format!("── failed: a ──\n{}evidence: out\nrun it again: x\n", "y\n".repeat(LINES + 5));
        let [failure] = &read(Stream::Output, &story)[..] else { panic!("one failure") };
        assert_eq!(
            (failure.left_out, &failure.lines[LINES..]),
            (5, &["evidence: out", "run it again: x"].map(String::from)[..])
        );
        let many = read(Stream::Output, &"DIFFERENT a\n+x\n".repeat(FAILURES + 2));
        assert_eq!((many.len(), many[FAILURES].lines.len(), many[FAILURES].left_out), (FAILURES + 2, 0, 1));
        assert_eq!(clipped(&"ä".repeat(WIDTH + 1)), format!("{}…", "ä".repeat(WIDTH)));
    }
}
