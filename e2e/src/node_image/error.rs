//! Errors of node images: the image, the cause, the next step.
//!
//! It knows no order of steps; `obtain` says what was tried before.

use std::path::{Path, PathBuf};

use seatrial_envtest::assets::{AssetsError, VersionError};

use super::capabilities::CapabilitiesError;
use crate::docker::{DiskFull, DockerUnavailable, ExecError, reason};

/// Error of obtaining a node image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeImageError {
    /// Nothing answers where Docker should.
    #[error(transparent)]
    DockerUnavailable(#[from] DockerUnavailable),
    /// The version is not one.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// An image that was named is not here and cannot be pulled.
    #[error(
        "the node image {image} is not here and cannot be pulled: {reason}\n  next: check its name, or `docker load` it, \
         or leave it out: then the official image is pulled, or one is built here"
    )]
    NotHere {
        /// The image.
        image: String,
        /// Docker's words.
        reason: String,
    },
    /// An image is for other machines.
    #[error(
        "the node image {image} is for {its} and Docker runs on {machine}\n  next: name an image for {machine}, or leave it \
         out: then the official image is pulled, or one is built here"
    )]
    WrongArchitecture {
        /// The image.
        image: String,
        /// The architecture that it says it is for.
        its: String,
        /// Docker's machine's architecture.
        machine: String,
    },
    /// This machine cannot build for Docker's.
    #[error(
        "no node image can be built for {machine}, where Docker runs: this is {here}\n  next: build it there \
         (`cargo xtask node-image`), or name an image that can be pulled (`--image`)"
    )]
    CannotBuildFor {
        /// Docker's machine.
        machine: String,
        /// This process's.
        here: String,
    },
    /// Neither the official image nor one built here.
    #[error("the official image {image} cannot be pulled ({pull}), and none can be built: {build}")]
    Neither {
        /// The official image.
        image: String,
        /// The cause.
        pull: String,
        /// Reason why none can be built.
        build: Box<Self>,
    },
    /// The binaries cannot be had.
    #[error(transparent)]
    Assets(#[from] Box<AssetsError>),
    /// The capabilities of root cannot be read.
    #[error(transparent)]
    Capabilities(#[from] CapabilitiesError),
    /// The program that installs Debian packages into a folder is missing.
    #[error("mmdebstrap cannot be started: {reason}\n  next: apt-get install mmdebstrap")]
    NoMmdebstrap {
        /// Why.
        reason: String,
    },
    /// Debian packages could not be installed.
    #[error("mmdebstrap failed: {reason}\n  next: {next}")]
    Debian {
        /// The last lines that it printed.
        reason: String,
        /// The next step.
        next: &'static str,
    },
    /// A program that is needed for building failed.
    #[error("`{command}` failed: {reason}\n  next: try it by hand")]
    Program {
        /// The command.
        command: String,
        /// Its output.
        reason: String,
    },
    /// A command in the temporary container failed.
    #[error(
        "`{command}` failed in the container that the image is made in, with {code}: {reason}\n  next: try again; if it fails again, `docker run --rm -it --privileged {base} bash` shows what the container can do"
    )]
    Command {
        /// The command.
        command: String,
        /// Its exit status.
        code: i64,
        /// Its output.
        reason: String,
        /// The image that the container was made of.
        base: String,
    },
    /// The disk is full.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
    /// Docker refused something.
    #[error("{doing} failed: {reason}\n  next: {next}")]
    Docker {
        /// The operation that failed.
        doing: String,
        /// Docker's words.
        reason: String,
        /// The next step.
        next: &'static str,
    },
    /// A file cannot be read or written.
    #[error(
        "{path} cannot be {doing}: {reason}\n  next: check its owner and the free space, or set XDG_CACHE_HOME to another folder"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The operation: `read`, `written`.
        doing: &'static str,
        /// Why.
        reason: String,
    },
}

impl NodeImageError {
    pub(super) fn docker(doing: impl Into<String>) -> impl FnOnce(bollard::errors::Error) -> Self {
        let doing = doing.into();
        move |error| Self::in_words(doing, reason(&error))
    }

    /// A failure of Docker's that is known by its words alone.
    pub(super) fn in_words(doing: String, reason: String) -> Self {
        if let Some(full) = DiskFull::recognise(&doing, &reason) {
            return full.into();
        }
        let next = if reason.contains("unable to apply caps") || reason.contains("error setting rlimit") {
            "this machine's root lacks a capability that privileged containers ask for: use a daemon that does not ask \
             (`cargo xtask docker start`)"
        } else {
            "look at Docker's log, or try it by hand"
        };
        Self::Docker { doing, reason, next }
    }

    pub(super) fn file(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| match DiskFull::at(&path, doing, &error) {
            Some(full) => full.into(),
            None => Self::File { path, doing, reason: error.to_string() },
        }
    }
}

/// A command in the temporary container whose end is not known.
impl From<ExecError> for NodeImageError {
    fn from(error: ExecError) -> Self {
        Self::in_words(error.doing, error.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_recognised_in_docker_s_and_the_system_s_errors() {
        let docker = NodeImageError::in_words("importing".into(), "write /x: no space left on device".into());
        assert!(matches!(docker, NodeImageError::DiskFull(_)), "{docker}");
        let system = NodeImageError::file(Path::new("/x"), "written")(std::io::ErrorKind::StorageFull.into());
        assert!(
            system.to_string().starts_with("the disk is full: /x could not be written, which failed"),
            "{system}"
        );
    }

    #[test]
    fn a_missing_capability_is_reported_with_the_daemon_that_does_without() {
        let reason =
            "OCI runtime create failed: unable to apply caps: operation not permitted: unknown (500)";
        let error = NodeImageError::in_words("starting".into(), reason.into()).to_string();
        assert!(error.ends_with("(`cargo xtask docker start`)"), "{error}");
    }

    #[test]
    fn an_image_for_other_machines_is_named_with_both_architectures() {
        let error = NodeImageError::WrongArchitecture {
            image: "kindest/node:v1.37.0".into(),
            its: "arm64".into(),
            machine: "amd64".into(),
        };
        let expected = "the node image kindest/node:v1.37.0 is for arm64 and Docker runs on amd64\n  next: ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
