//! Removal of a cluster: containers with volumes, network, folder and lease, in that order.
//!
//! The network carries the way to the lease, so it stays until the containers are gone, and the lease stays until
//! everything is. It can be run again on what a first run left.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::RemoveContainerOptions;
use futures::future::try_join_all;

use super::containers::{containers, name_of};
use super::error::{KindError, status};
use super::home::Home;
use super::network;

/// Whoever was killed in the middle of a create may have asked Docker for one container more, and a removal that
/// somebody else began takes a moment.
const ROUNDS: usize = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Names of removed resources.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) containers: usize,
    pub(super) network: bool,
    pub(super) folder: bool,
}

impl Removed {
    pub(super) fn nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Removes everything of a cluster that this process made.
pub(super) async fn with_lease(docker: &Docker, home: &Home, name: &str) -> Result<(), KindError> {
    all(docker, home, name).await?;
    let _gone_already = std::fs::remove_file(home.lease(name));
    Ok(())
}

/// Removes everything of a cluster but its lease.
pub(super) async fn all(docker: &Docker, home: &Home, name: &str) -> Result<Removed, KindError> {
    let mut removed = Removed::default();
    let mut round = 0;
    loop {
        removed.containers += remove_containers(docker, name).await?;
        match network::remove(docker, name).await {
            Ok(network) => removed.network |= network,
            // Still in use, by a container that came after the look.
            Err(error) if round == ROUNDS => return Err(error),
            Err(_) => {}
        }
        let left = containers(docker, Some(name)).await?;
        if left.is_empty() && network::named(docker, name).await?.is_empty() {
            break;
        }
        if round == ROUNDS {
            let names: Vec<_> = left.iter().map(name_of).collect();
            let reason = format!("still there: network {name} or {}", names.join(", "));
            return Err(KindError::Docker { doing: format!("removing cluster {name}"), reason });
        }
        round += 1;
        tokio::time::sleep(PAUSE).await;
    }
    let folder = home.folder(name);
    match std::fs::remove_dir_all(&folder) {
        Ok(()) => removed.folder = true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(KindError::file(&folder, "removed")(error)),
    }
    Ok(removed)
}

/// Removes a cluster's containers with their volumes, and nothing else; how many there were.
pub(super) async fn remove_containers(docker: &Docker, cluster: &str) -> Result<usize, KindError> {
    let found = containers(docker, Some(cluster)).await?;
    let each = found.iter().map(|container| async move {
        let id = container.id.as_deref().unwrap_or_default();
        let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
        match docker.remove_container(id, Some(options)).await {
            Ok(()) => Ok(()),
            // Gone, or being removed by somebody else.
            Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
            Err(error) => Err(KindError::docker(format!("removing container {}", name_of(container)))(error)),
        }
    });
    try_join_all(each).await.map(|all| all.len())
}
