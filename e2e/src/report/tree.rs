//! The run as a tree: groups, specs below them as they end, failures at the end.
//!
//! It makes text, coloured or plain; who prints it, and what besides, is the console's business.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::report::model::{Outcome, SpecReport};
use crate::report::rerun;

/// Assumed width of the terminal.
const WIDTH: usize = 100;

/// Tells specs, each at its place below its groups.
pub(crate) struct TreeFormatter {
    colours: bool,
    /// The report's folder, if there is one.
    folder: Option<PathBuf>,
    /// The groups that the last line stands in.
    path: Vec<String>,
}

/// Style of a text; plain where there are no colours.
#[derive(Clone, Copy)]
enum TextStyle {
    Good,
    Bad,
    Odd,
    Quiet,
    Strong,
}

impl TreeFormatter {
    pub(crate) fn new(colours: bool, folder: Option<PathBuf>) -> Self {
        Self { colours, folder, path: Vec::new() }
    }

    /// The lines of a spec that has ended: those of its groups that were not told just before, and its own.
    pub(crate) fn spec(&mut self, spec: &SpecReport) -> String {
        let Some((name, groups)) = spec.path.split_last() else { return String::new() };
        let shared = groups.iter().zip(&self.path).take_while(|(now, then)| now == then).count();
        let mut lines = String::new();
        for (depth, group) in groups.iter().enumerate().skip(shared) {
            let _ = writeln!(lines, "{}{}", "  ".repeat(depth), self.paint(TextStyle::Strong, group));
        }
        let aside = match &spec.outcome {
            Outcome::Skipped { reason } => format!("skipped: {reason}"),
            Outcome::Pending { reason } if reason.is_empty() => "pending".into(),
            Outcome::Pending { reason } => format!("pending: {reason}"),
            Outcome::Flaky { .. } => {
                format!("passed at attempt {}, {}", spec.attempts.len(), took(spec.seconds))
            }
            Outcome::Interrupted { .. } => format!("interrupted after {}", took(spec.seconds)),
            Outcome::Passed | Outcome::Failed { .. } => took(spec.seconds),
        };
        let (indent, aside) =
            ("  ".repeat(groups.len()), self.paint(TextStyle::Quiet, &format!("({aside})")));
        let _ = writeln!(lines, "{indent}{} {name} {aside}", self.mark(&spec.outcome));
        self.path = groups.to_vec();
        lines
    }

    /// Reason why a spec failed, at first or for good, or where it was interrupted, where its evidence is, and how
    /// to run it again; nothing about others.
    pub(crate) fn explained(&self, spec: &SpecReport) -> String {
        let (style, story) = match &spec.outcome {
            Outcome::Failed { story } => (TextStyle::Bad, story),
            Outcome::Flaky { story } | Outcome::Interrupted { story } => (TextStyle::Odd, story),
            _ => return String::new(),
        };
        let title = format!("── {}: {} ", spec.outcome.word(), spec.name);
        let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count()));
        let mut text = format!("\n{}\n{}\n", self.paint(style, &format!("{title}{rule}")), self.story(story));
        if let (Some(folder), Some(place)) = (&self.folder, evidence(spec)) {
            let _ = writeln!(text, "evidence: {}", folder.join(place).display());
        }
        let _ = writeln!(text, "run it again: {}", rerun::command(spec));
        text
    }

    /// The report's page, once it is written.
    pub(crate) fn page(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("report.html"))
    }

    fn paint(&self, style: TextStyle, text: &str) -> String {
        let code = match style {
            TextStyle::Good => "32",
            TextStyle::Bad => "31",
            TextStyle::Odd => "33",
            TextStyle::Quiet => "2",
            TextStyle::Strong => "1",
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn mark(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Passed => self.paint(TextStyle::Good, "✓"),
            Outcome::Failed { .. } => self.paint(TextStyle::Bad, "✗"),
            Outcome::Interrupted { .. } => self.paint(TextStyle::Odd, "!"),
            Outcome::Flaky { .. } => self.paint(TextStyle::Odd, "~"),
            Outcome::Skipped { .. } | Outcome::Pending { .. } => self.paint(TextStyle::Quiet, "-"),
        }
    }

    /// Differences coloured, the rest as it is.
    fn story(&self, story: &str) -> String {
        let line = |line: &str| match line.trim_start().as_bytes() {
            [b'-', rest @ ..] if !rest.starts_with(b" ") => self.paint(TextStyle::Bad, line),
            [b'+', ..] => self.paint(TextStyle::Good, line),
            _ => line.to_owned(),
        };
        story.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// `850 ms`, `2.10 s`.
fn took(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

/// The folder of the last attempt's artefacts.
fn evidence(spec: &SpecReport) -> Option<&str> {
    let artefact = spec.attempts.iter().rev().find_map(|attempt| attempt.artefacts.first())?;
    let attempt = artefact.path.match_indices('/').nth(3).map_or(artefact.path.len(), |(at, _)| at);
    artefact.path.get(..attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{Artefact, Attempt};

    fn spec(name: &str, outcome: Outcome, seconds: f64) -> SpecReport {
        let path = name.split(" / ").map(str::to_owned).collect();
        let (suite, tier) = ("specs".to_owned(), "fake".to_owned());
        SpecReport {
            suite,
            name: name.into(),
            path,
            tier,
            outcome,
            seconds,
            seed: Some(7),
            ..SpecReport::default()
        }
    }

    #[test]
    fn a_group_is_reported_once_and_its_specs_below_it() {
        let specs = [
            spec("Machine / starts", Outcome::Passed, 0.25),
            spec("Machine / that is lost / is replaced", Outcome::Passed, 2.5),
            spec(
                "Machine / that is lost / is told",
                Outcome::Skipped { reason: "needs kubelet".into() },
                0.0,
            ),
            spec("Cluster / grows", Outcome::Pending { reason: String::new() }, 0.0),
            spec("Cluster / shrinks", Outcome::Interrupted { story: "SIGTERM".into() }, 1.5),
        ];
        let mut tree = TreeFormatter::new(false, None);
        let text: Vec<_> = specs.iter().map(|spec| tree.spec(spec)).collect();
        let expected = "\
Machine
  ✓ starts (250 ms)
  that is lost
    ✓ is replaced (2.50 s)
    - is told (skipped: needs kubelet)
Cluster
  - grows (pending)
  ! shrinks (interrupted after 1.50 s)
";
        assert_eq!(text.concat(), expected);
    }

    #[test]
    fn a_failure_is_explained_with_its_evidence_and_how_to_run_it_again() {
        let path = "artefacts/specs-fake/starts-1f/attempt-1/events.txt".into();
        let artefacts = vec![Artefact { path, ..Artefact::default() }];
        let attempts = vec![Attempt { artefacts, ..Attempt::default() }];
        let story = "it's late\n    -status: True\n    +status: False".to_owned();
        let failed = SpecReport { attempts, ..spec("Machine / it's up", Outcome::Failed { story }, 1.0) };
        let text = TreeFormatter::new(false, Some("out".into())).explained(&failed);
        assert!(text.starts_with("\n── failed: Machine / it's up ─"), "{text}");
        assert!(text.contains("\nit's late\n    -status: True\n    +status: False\n"), "{text}");
        assert!(text.contains("\nevidence: out/artefacts/specs-fake/starts-1f/attempt-1\n"), "{text}");
        assert!(
            text.contains("SEATRIAL_SEED=7") && text.contains(r"--exact 'Machine / it'\''s up'"),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn on_a_terminal_outcomes_and_differences_have_colours() {
        let story = "late\n    +status: False".to_owned();
        let failed = spec("a", Outcome::Failed { story }, 1.0);
        let mut tree = TreeFormatter::new(true, None);
        assert!(tree.spec(&failed).starts_with("\x1b[31m✗\x1b[0m a"));
        assert!(tree.explained(&failed).contains("\x1b[32m    +status: False\x1b[0m"));
        assert_eq!(tree.explained(&spec("b", Outcome::Passed, 1.0)), "");
    }
}
