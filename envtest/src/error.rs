//! What can go wrong on the way to a running control plane, said once: the thing, the reason, the next step.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{
    assets::{AssetsError, VersionError},
    install::InstallError,
    process::{child::SpawnError, output::Cause},
};

/// A control plane that could not be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The version asked for is not a version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Binaries are missing.
    #[error(transparent)]
    Assets(#[from] AssetsError),
    /// A program did not even start.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A process ended, or was not ready in time.
    #[error(transparent)]
    Start(Box<StartFailure>),
    /// A file or socket.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Certificates that do not fit together.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// Definitions that could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// A client could not be made.
    #[error("cannot make a client: {0}")]
    Client(#[source] kube::Error),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// A process that ended or was late, and what its output tells.
#[derive(Debug, thiserror::Error)]
pub struct StartFailure {
    /// Its name.
    pub process: &'static str,
    /// What happened.
    pub what: String,
    /// The reason, if its output tells one that is known.
    pub cause: Option<Cause>,
    /// The last lines of its output.
    pub tail: Vec<String>,
    /// Where the whole output was written. It is gone with the control plane unless the builder set `logs_dir`.
    pub log: PathBuf,
}

impl StartFailure {
    pub(crate) fn is_port_taken(&self) -> bool {
        self.cause.as_ref().is_some_and(Cause::is_port_taken)
    }
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.process, self.what)?;
        match &self.cause {
            Some(cause) => write!(f, "\n  why: {cause}\n  next: {}", cause.next_step)?,
            None => f.write_str("\n  next: read its last lines; .logs_dir(…) keeps the whole log")?,
        }
        if self.log.exists() {
            write!(f, "\n  log: {}", self.log.display())?;
        }
        if self.tail.is_empty() {
            return f.write_str("\n  it printed nothing");
        }
        f.write_str("\n  last lines:")?;
        self.tail.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
