//! Annotations for GitHub Actions: each failure at its line, and the job summary.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use crate::report::model::{Outcome, SpecReport};
use crate::report::reporter::Reporter;
use crate::report::rerun;

/// Writes workflow commands to standard output, where the runner reads them.
pub(crate) struct Github<W> {
    summary: Option<PathBuf>,
    state: Mutex<(W, Vec<SpecReport>)>,
}

impl Github<io::Stdout> {
    /// The reporter, if this is a GitHub job.
    pub(crate) fn if_it_runs_this() -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        variable("GITHUB_ACTIONS")?;
        Some(Self::writing(io::stdout(), variable("GITHUB_STEP_SUMMARY").map(PathBuf::from)))
    }
}

impl<W: Write> Github<W> {
    fn writing(out: W, summary: Option<PathBuf>) -> Self {
        Self { summary, state: Mutex::new((out, Vec::new())) }
    }

    fn state(&self) -> MutexGuard<'_, (W, Vec<SpecReport>)> {
        self.state.lock().expect("nobody panics while an annotation is written")
    }
}

impl<W: Write + Send> Reporter for Github<W> {
    fn spec_ended(&self, spec: &SpecReport) {
        let mut state = self.state();
        if let Some(line) = annotation(spec) {
            // A reader that is gone must not end the run.
            let _ = state.0.write_all(line.as_bytes());
        }
        state.1.push(spec.clone());
    }

    fn run_ended(&self) -> io::Result<()> {
        let Some(path) = &self.summary else { return Ok(()) };
        let text = summary(&std::mem::take(&mut self.state().1));
        OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
    }
}

/// `::error file=…,line=…,title=…::…`.
fn annotation(spec: &SpecReport) -> Option<String> {
    let (level, story) = match &spec.outcome {
        Outcome::Failed { story } => ("error", story),
        Outcome::Flaky { story } | Outcome::Interrupted { story } => ("warning", story),
        _ => return None,
    };
    let failed = spec.attempts.iter().rev().find_map(|attempt| attempt.failures.first());
    let place = failed.and_then(|failure| failure.place.as_ref());
    let place = place.map(|at| format!("file={},line={},col={},", property(&at.file), at.line, at.column));
    let title = property(&format!("{}: {}", spec.outcome.word(), spec.name));
    Some(format!("::{level} {}title={title}::{}\n", place.unwrap_or_default(), message(story)))
}

/// Escapes line ends, which would end the command.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// A few lines of Markdown.
fn summary(specs: &[SpecReport]) -> String {
    let count = |word: &str| specs.iter().filter(|spec| spec.outcome.word() == word).count();
    let words = ["passed", "failed", "flaky", "skipped", "pending"];
    let mut counts = words.map(|word| format!("{} {word}", count(word))).to_vec();
    if count("interrupted") > 0 {
        counts.push(format!("{} interrupted", count("interrupted")));
    }
    let mut text = format!("### Seatrial: {}\n\n", counts.join(", "));
    for spec in specs {
        if let Outcome::Failed { story } | Outcome::Interrupted { story } | Outcome::Flaky { story } =
            &spec.outcome
        {
            let fence = "`".repeat(4);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "<details><summary>{}: {}</summary>\n\n{fence}text\n{story}\n{fence}\n\n{fence}sh\n{}\n{fence}\n\n</details>\n",
                spec.outcome.word(),
                spec.name.replace('&', "&amp;").replace('<', "&lt;"),
                rerun::command(spec),
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{Attempt, FailureReport, SourceLocation};

    fn failed() -> SpecReport {
        let place = Some(SourceLocation { file: "tests/specs/a,b.rs".into(), line: 7, column: 9 });
        let failures = vec![FailureReport { place, ..FailureReport::default() }];
        SpecReport {
            name: "Machine / is at 100%".into(),
            outcome: Outcome::Failed { story: "late\nby far".into() },
            attempts: vec![Attempt { failures, ..Attempt::default() }],
            ..SpecReport::default()
        }
    }

    #[test]
    fn a_failure_is_annotated_at_its_line_and_stays_one_command() {
        let expected = "::error file=tests/specs/a%2Cb.rs,line=7,col=9,\
                        title=failed%3A Machine / is at 100%25::late%0Aby far\n";
        assert_eq!(annotation(&failed()).unwrap(), expected);
        assert_eq!(annotation(&SpecReport::default()), None);
    }

    #[test]
    fn interrupted_specs_are_warnings_with_a_count_of_their_own() {
        let outcome = Outcome::Interrupted { story: "interrupted: the run was ended by SIGTERM".into() };
        let spec = SpecReport { outcome, ..failed() };
        assert!(annotation(&spec).unwrap().starts_with("::warning file="), "{:?}", annotation(&spec));
        assert!(
            summary(&[spec]).contains("0 passed, 0 failed, 0 flaky, 0 skipped, 0 pending, 1 interrupted")
        );
    }

    #[test]
    fn the_job_s_summary_is_added_to_and_has_the_sum_and_the_stories() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        std::fs::write(&path, "before\n").unwrap();
        let github = Github::writing(Vec::new(), Some(path.clone()));
        github.spec_ended(&failed());
        github.run_ended().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("before\n### Seatrial: 0 passed, 1 failed, 0 flaky"), "{text}");
        assert!(
            text.contains("<summary>failed: Machine / is at 100%</summary>") && text.contains("by far"),
            "{text}"
        );
    }
}
