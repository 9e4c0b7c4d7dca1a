//! Errors of clusters: the cluster, the cause, the next step.
//!
//! It recognises a few reasons in the words of Docker and kind; it does not know what was being tried.

use std::path::{Path, PathBuf};

use crate::docker::{DiskFull, DockerUnavailable, ExecError, reason};

/// An error of the kind tier. Its text names the thing, the reason and the next step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// Nothing answers where Docker should.
    #[error(transparent)]
    DockerUnavailable(#[from] DockerUnavailable),
    /// There is no kind, and it cannot be installed.
    #[error("kind cannot be found or installed: {reason}\n  next: {next}")]
    NoKind {
        /// Why.
        reason: String,
        /// The next step.
        next: String,
    },
    /// The configuration asks for something that cannot be.
    #[error("the cluster's configuration cannot be used: {reason}\n  next: {next}")]
    Config {
        /// Why.
        reason: String,
        /// The next step.
        next: String,
    },
    /// A cluster of this name is there.
    #[error(
        "a cluster called {name} exists already ({found})\n  next: use it (`--reuse {name}`), remove it \
         (`kind delete cluster --name {name}`), or choose another name"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// The conflicting resource.
        found: String,
    },
    /// No cluster of this name is there.
    #[error(
        "there is no cluster called {name}: {reason}\n  next: `kind get clusters` lists those that are there"
    )]
    NoCluster {
        /// The name.
        name: String,
        /// The name.
        reason: String,
    },
    /// The node image cannot be had.
    #[error(transparent)]
    NodeImage(#[from] crate::node_image::NodeImageError),
    /// An image that is to be brought to nodes cannot be had.
    #[error("the image {image} cannot be loaded: {reason}\n  next: {next}")]
    Image {
        /// The image.
        image: String,
        /// Why.
        reason: String,
        /// The next step.
        next: String,
    },
    /// Several control planes need an image that is not here.
    #[error(
        "{count} control planes need kind's load balancer, whose image {image} is not here and cannot be pulled: {reason}\n  \
         next: `docker pull {image}` where a registry can be reached and `docker load` it here, or use one control plane"
    )]
    LoadBalancer {
        /// Number of control planes.
        count: usize,
        /// The image.
        image: String,
        /// The cause.
        reason: String,
    },
    /// The disk is full.
    #[error(transparent)]
    DiskFull(#[from] DiskFull),
    /// Docker refused something.
    #[error("{doing} failed: {reason}\n  next: look at Docker's log, or try it by hand")]
    Docker {
        /// The operation that failed.
        doing: String,
        /// Docker's words.
        reason: String,
    },
    /// kind failed.
    #[error("kind could not create cluster {name}: {reason}\n  next: {next}")]
    Create {
        /// The cluster.
        name: String,
        /// The last lines that it printed.
        reason: String,
        /// The next step.
        next: String,
    },
    /// A cluster or a node did not get into a state in time.
    #[error(
        "{what} within {seconds} s; last seen: {last}\n  next: look at the nodes' journals (`docker exec NODE journalctl`)"
    )]
    TooLate {
        /// The condition that was not met.
        what: String,
        /// Duration of the wait.
        seconds: u64,
        /// The last state seen.
        last: String,
    },
    /// A file of ours cannot be read or written.
    #[error(
        "{path} cannot be {doing}: {reason}\n  next: check the folder's owner and free space, or set SEATRIAL_KIND_HOME to another one"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The operation: `read`, `written`.
        doing: &'static str,
        /// Why.
        reason: String,
    },
    /// A command in a node failed.
    #[error(
        "`{command}` in {node} failed with {code}: {reason}\n  next: try it by hand (`docker exec {node} {command}`)"
    )]
    Command {
        /// The node.
        node: String,
        /// The command.
        command: String,
        /// Its exit status.
        code: i64,
        /// Its output.
        reason: String,
    },
    /// The cluster's API server refused something or did not answer.
    #[error("{doing} failed: {reason}\n  next: check that the cluster's control plane runs (`docker ps`)")]
    Api {
        /// The operation that failed.
        doing: String,
        /// Why.
        reason: String,
    },
    /// A fault that this machine or node cannot have.
    #[error("{fault} is not possible on {node}: {reason}\n  next: {next}")]
    Fault {
        /// The fault.
        fault: &'static str,
        /// The node.
        node: String,
        /// Why.
        reason: String,
        /// The next step.
        next: &'static str,
    },
    /// The spec does not run on a cluster of kind's.
    #[error(
        "tier {tier} has no nodes to reach\n  next: give the spec `.needs(Need::Kubelet)`, or run it with SEATRIAL_TIER=kind"
    )]
    NotOnKind {
        /// The tier that the spec runs on.
        tier: &'static str,
    },
}

/// A command in a node whose end is not known.
impl From<ExecError> for KindError {
    fn from(error: ExecError) -> Self {
        Self::in_words(error.doing, error.reason)
    }
}

impl KindError {
    pub(super) fn docker(doing: impl Into<String>) -> impl FnOnce(bollard::errors::Error) -> Self {
        let doing = doing.into();
        move |error| Self::in_words(doing, reason(&error))
    }

    /// A failure that is known by its words alone.
    pub(super) fn in_words(doing: String, reason: String) -> Self {
        match DiskFull::recognise(&doing, &reason) {
            Some(full) => full.into(),
            None => Self::Docker { doing, reason },
        }
    }

    pub(super) fn file(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| match DiskFull::at(&path, doing, &error) {
            Some(full) => full.into(),
            None => Self::File { path, doing, reason: error.to_string() },
        }
    }

    pub(super) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |error| Self::Api { doing, reason: crate::failure::sentence(&error) }
    }
}

/// The HTTP status that Docker answered with.
pub(super) fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_recognised_in_docker_s_and_the_system_s_messages() {
        let docker = KindError::in_words(
            "creating network x".into(),
            "write /var/lib: No space left on device".into(),
        );
        assert!(matches!(docker, KindError::DiskFull(_)), "{docker}");
        let system = KindError::file(Path::new("/x"), "written")(std::io::ErrorKind::StorageFull.into());
        assert!(system.to_string().starts_with("the disk is full: /x could not be written"), "{system}");
        let other = KindError::in_words("creating network x".into(), "pool overlaps".into());
        assert!(other.to_string().starts_with("creating network x failed: pool overlaps"), "{other}");
    }

    #[test]
    fn every_error_ends_with_a_next_step() {
        let errors = [
            DockerUnavailable { host: "unix:///x".into(), reason: "no such file".into() }.into(),
            KindError::NameTaken { name: "a".into(), found: "2 containers".into() },
            KindError::LoadBalancer { count: 3, image: "envoy".into(), reason: "no network".into() },
            KindError::NotOnKind { tier: "fake" },
        ];
        for error in errors {
            let text = error.to_string();
            let next = text.split_once("\n  next: ").map(|(_, next)| next.trim());
            assert!(next.is_some_and(|next| !next.is_empty()), "{text}");
        }
    }
}
