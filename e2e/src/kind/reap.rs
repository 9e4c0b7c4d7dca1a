//! Removal of clusters without a user, left by killed processes.
//!
//! A cluster is found by its lease, its folder, its network or its containers, whichever is left, and is removed only
//! if nobody holds its lease. It does not know who made it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::containers::{CLUSTER_LABEL, connect, containers, label};
use super::delete;
use super::error::KindError;
use super::home::Home;
use super::lease::{Lease, SeizedLease};
use super::name::PREFIX;
use super::network;
use super::registry;

/// Clusters by name and result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Removed.
    pub removed: Vec<String>,
    /// Left alone, since they are in use.
    pub held: Vec<String>,
    /// Left alone: they were to be kept, for this reason.
    pub kept: Vec<(String, String)>,
}

/// Removes every cluster of the project's that nobody uses; with `also_kept`, those of this home, too, that were to
/// be kept.
pub async fn reap(home: &Home, also_kept: bool) -> Result<Reaped, KindError> {
    let docker = connect().await?;
    let mut reaped = Reaped::default();
    for (name, path) in candidates(&docker, home).await? {
        let lease = match Lease::seize(&path)? {
            SeizedLease::Held => {
                reaped.held.push(name);
                continue;
            }
            // What another home keeps is not this one's to remove.
            SeizedLease::Kept(_, why) if !also_kept || path.parent() != Some(home.path()) => {
                reaped.kept.push((name, why));
                continue;
            }
            SeizedLease::Kept(lease, _) | SeizedLease::Free(lease) => Some(lease),
            SeizedLease::Missing => None,
        };
        let removed = delete::all(&docker, home, &name).await?;
        // Somebody else may have removed it since it was found.
        if lease.is_some() || !removed.nothing() {
            reaped.removed.push(name);
        }
        if let Some(lease) = lease {
            lease.remove();
        }
    }
    registry::remove_stale_entries(home);
    Ok(reaped)
}

/// All clusters of ours with the path of each one's lease.
async fn candidates(docker: &bollard::Docker, home: &Home) -> Result<BTreeMap<String, PathBuf>, KindError> {
    let mut found = BTreeMap::new();
    // Containers before networks: a network lives longer than its containers, and leads to a lease of another home.
    for container in containers(docker, None).await? {
        let name = label(&container, CLUSTER_LABEL).filter(|name| name.starts_with(PREFIX));
        // A cluster that somebody made by hand, with a name like ours, is on kind's own network.
        let network = container.host_config.as_ref().and_then(|config| config.network_mode.as_deref());
        if let Some(name) = name.filter(|name| network == Some(*name)) {
            found.insert(name.to_owned(), home.lease(name));
        }
    }
    for name in home.clusters() {
        let lease = home.lease(&name);
        found.insert(name, lease);
    }
    found.extend(network::list_leased(docker).await?.into_iter().map(|(name, lease)| (name, lease.into())));
    Ok(found)
}
