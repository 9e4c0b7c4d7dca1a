//! What each step of the chain found, or why it passed on. People read it, `doctor` prints it.

use std::{fmt, path::PathBuf};

use super::{binary::Binary, version::Version};

/// A step of the chain, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Environment variables and folders that were named.
    Environment,
    /// What is on this machine: setup-envtest's store and this project's cache.
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

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has the binary.
    Found {
        /// Which one.
        binary: Binary,
        /// Its version, where it is known.
        version: Option<Version>,
        /// Where it is.
        path: PathBuf,
    },
    /// It has not, for this reason.
    PassedOn(String),
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// The step.
    pub step: Step,
    /// What became of it.
    pub outcome: Outcome,
}

impl fmt::Display for ReportLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", self.step)?;
        match &self.outcome {
            Outcome::Found { binary, version: Some(version), path } => {
                write!(f, "{binary} {version}: {}", path.display())
            }
            Outcome::Found { binary, version: None, path } => write!(f, "{binary}: {}", path.display()),
            Outcome::PassedOn(reason) => write!(f, "passed on: {reason}"),
        }
    }
}

/// All that the steps said, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    lines: Vec<ReportLine>,
}

impl Report {
    /// The lines.
    pub fn lines(&self) -> &[ReportLine] {
        &self.lines
    }

    pub(crate) fn add(&mut self, step: Step, outcome: Outcome) {
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
