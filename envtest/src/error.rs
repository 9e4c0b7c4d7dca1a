//! The errors of this crate. Each message has the thing, the cause and the next step.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{
    assets::{AssetsError, VersionError},
    install::InstallError,
    process::{child::SpawnError, output::KnownCause},
};

/// A control plane that could not be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The requested version is malformed.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// Binaries are missing.
    #[error(transparent)]
    Assets(#[from] AssetsError),
    /// A program could not be executed.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A process ended early, or was not ready in time.
    #[error(transparent)]
    Start(Box<StartFailure>),
    /// An I/O error of a file or socket.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The action, as a verb phrase.
        action: &'static str,
        /// The file or address.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A certificate could not be created.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS configuration is invalid.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// CRDs could not be installed.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// A client could not be created.
    #[error("cannot make a client: {0}")]
    Client(#[source] kube::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// A process that ended early or was not ready in time, with the end of its log.
#[derive(Debug, thiserror::Error)]
pub struct StartFailure {
    /// The name of the process.
    pub process: &'static str,
    /// The failure, as the rest of a sentence that starts with the name.
    pub message: String,
    /// The cause, if the log has a known one.
    pub cause: Option<KnownCause>,
    /// The last lines of the log.
    pub tail: Vec<String>,
    /// The path of the log. It is removed with the control plane unless the builder set `logs_dir`.
    pub log: PathBuf,
}

impl StartFailure {
    pub(crate) fn is_port_in_use(&self) -> bool {
        self.cause.as_ref().is_some_and(KnownCause::is_port_in_use)
    }
}

impl fmt::Display for StartFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.process, self.message)?;
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
