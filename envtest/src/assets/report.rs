//! The report of a resolution: the result of each step.

use std::{fmt, path::PathBuf};

use super::{binary::Binary, version::Version};

/// A step of a resolution, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Environment variables and named folders.
    Environment,
    /// The store of setup-envtest and the cache of this project.
    Store,
    /// Downloads: the release index, and release binaries for what the index does not carry.
    Index,
    /// The Go toolchain.
    Source,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Environment => "environment",
            Self::Store => "store",
            Self::Index => "download",
            Self::Source => "source",
        })
    }
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// The step found a binary.
    Found {
        /// The binary.
        binary: Binary,
        /// Its version, if known.
        version: Option<Version>,
        /// Its path.
        path: PathBuf,
    },
    /// The step did not find a binary, for this reason.
    NotFound(String),
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// The step.
    pub step: Step,
    /// The result of the step.
    pub outcome: StepOutcome,
}

impl fmt::Display for ReportLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", self.step)?;
        match &self.outcome {
            StepOutcome::Found { binary, version: Some(version), path } => {
                write!(f, "{binary} {version}: {}", path.display())
            }
            StepOutcome::Found { binary, version: None, path } => write!(f, "{binary}: {}", path.display()),
            StepOutcome::NotFound(reason) => write!(f, "passed on: {reason}"),
        }
    }
}

/// The results of all steps, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    lines: Vec<ReportLine>,
}

impl Report {
    /// The lines, one for each result.
    pub fn lines(&self) -> &[ReportLine] {
        &self.lines
    }

    pub(crate) fn add(&mut self, step: Step, outcome: StepOutcome) {
        let line = ReportLine { step, outcome };
        tracing::debug!("{line}");
        self.lines.push(line);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            line.fmt(f)?;
        }
        Ok(())
    }
}
