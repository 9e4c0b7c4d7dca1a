//! Sharing of one cluster by many processes: the first creates it, the last removes it.
//!
//! A registry entry is a file under a lock, named after the run: under a runner that starts a process for each spec,
//! all of them mean the same run. Specs that share a cluster have a namespace each, so it does not matter how many
//! there are. It does not know what specs do.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cluster::Cluster;
use super::config::ClusterConfig;
use super::containers::{connect, containers};
use super::create::{create_named, run};
use super::error::KindError;
use super::home::Home;
use super::lease::{Lease, ProcessId, SeizedLease};
use super::{delete, name};

/// Content of an entry.
#[derive(Debug, Serialize, Deserialize)]
struct RegistryEntry {
    cluster: String,
}

/// A cluster that this process uses with others, until [`SharedCluster::leave`].
#[derive(Debug)]
pub(crate) struct SharedCluster {
    home: Home,
    name: String,
    lease: Lease,
    /// The registry's entry, for who is the last one; a cluster that was named has none.
    key: Option<String>,
}

/// Uses this run's cluster, which the first process creates.
pub(crate) async fn share(
    home: &Home,
    config: &ClusterConfig,
    tell: &dyn Fn(&str),
) -> Result<SharedCluster, KindError> {
    let key = run();
    let _lock = lock(home, &key, tell)?;
    let entry = home.entry(&key);
    if let Some(name) = read(&entry)
        && let Some(lease) = join(home, &name).await?
    {
        return Ok(SharedCluster { home: home.clone(), name, lease, key: Some(key) });
    }
    let name = name::unique();
    let cluster = create_named(home, &name, config, tell).await?;
    let lease = Lease::join(home, &name)?.expect("the lease of a cluster that was made a moment ago");
    if std::env::var_os("NEXTEST_RUN_ID").is_some() {
        // Between two specs nobody holds the lease, and the run goes on.
        lease.change(|claim| claim.runner = Some(ProcessId::parent()))?;
    }
    drop(cluster);
    let text = serde_json::to_vec(&RegistryEntry { cluster: name.clone() }).expect("strings become JSON");
    fs::write(&entry, text).map_err(KindError::file(&entry, "written"))?;
    Ok(SharedCluster { home: home.clone(), name, lease, key: Some(key) })
}

/// Uses a cluster that the caller named, and is responsible for.
pub(crate) async fn share_named(home: &Home, name: &str) -> Result<SharedCluster, KindError> {
    let gone = || KindError::NoCluster { name: name.to_owned(), reason: "it has no lease any more".into() };
    let lease = join(home, name).await?.ok_or_else(gone)?;
    Ok(SharedCluster { home: home.clone(), name: name.to_owned(), lease, key: None })
}

/// Uses a cluster of this name again, or makes it, and leaves it for the next time. What a killed run broke in it is
/// mended first.
pub async fn reuse(
    home: &Home,
    wanted: &str,
    config: &ClusterConfig,
    tell: &dyn Fn(&str),
) -> Result<Cluster, KindError> {
    let docker = connect().await?;
    // A cluster that somebody made without us keeps its name as it is.
    let foreign = !containers(&docker, Some(wanted)).await?.is_empty();
    let name = if foreign { wanted.to_owned() } else { name::chosen(wanted)? };
    let _lock = lock(home, &name, tell)?;
    if containers(&docker, Some(&name)).await?.is_empty() {
        if let SeizedLease::Free(lease) | SeizedLease::Kept(lease, _) = Lease::seize(&home.lease(&name))? {
            lease.remove();
        }
        let cluster = create_named(home, &name, config, tell).await?;
        cluster.keep("--reuse")?;
        return Ok(cluster);
    }
    tell(&format!("using cluster {name}"));
    match Lease::seize(&home.lease(&name))? {
        SeizedLease::Held => {}
        SeizedLease::Missing => Cluster::open(home, &name).await?.heal().await?,
        SeizedLease::Free(lease) | SeizedLease::Kept(lease, _) => {
            // Somebody else must not mend it, or remove it, at the same time.
            let sole = lease.shared()?;
            Cluster::open(home, &name).await?.heal().await?;
            drop(sole);
        }
    }
    Cluster::open(home, &name).await
}

impl SharedCluster {
    /// The cluster's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Gives the cluster up; the last one to do so removes it.
    pub(crate) async fn leave(self) -> Result<(), KindError> {
        let Self { home, name, lease, key: Some(key) } = self else { return Ok(()) };
        let _lock = lock(&home, &key, &|_| ())?;
        if let SeizedLease::Free(lease) = lease.release()? {
            delete::all(&connect().await?, &home, &name).await?;
            for path in [home.entry(&key), home.entry_lock(&key)] {
                // What is gone already is what was wanted.
                let _ = fs::remove_file(path);
            }
            lease.remove();
        }
        Ok(())
    }
}

async fn join(home: &Home, name: &str) -> Result<Option<Lease>, KindError> {
    let Some(lease) = Lease::join(home, name)? else { return Ok(None) };
    let runs = !containers(&connect().await?, Some(name)).await?.is_empty();
    Ok(runs.then_some(lease))
}

/// Removes the entries and locks of clusters that are gone, except those in use.
pub(super) fn remove_stale_entries(home: &Home) {
    let names = || {
        let entries = fs::read_dir(home.path()).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    for name in names() {
        if let Some(key) = name.strip_prefix("shared-").and_then(|name| name.strip_suffix(".json"))
            && read(&home.entry(key)).is_none_or(|cluster| !home.lease(&cluster).exists())
            && lock_now(home, key)
        {
            // What is gone already is what was wanted.
            let _ = fs::remove_file(home.entry(key));
        }
    }
    for name in names() {
        if let Some(key) = name.strip_prefix(".shared-").and_then(|name| name.strip_suffix(".lock"))
            && !(home.entry(key).exists() || home.lease(key).exists())
            && lock_now(home, key)
        {
            let _ = fs::remove_file(home.entry_lock(key));
        }
    }
}

/// True if no process creates or removes this cluster now.
fn lock_now(home: &Home, key: &str) -> bool {
    match File::open(home.entry_lock(key)) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

fn read(entry: &Path) -> Option<String> {
    let text = fs::read(entry).ok()?;
    // An entry that was cut short with its process is no entry.
    serde_json::from_slice::<RegistryEntry>(&text).ok().map(|entry| entry.cluster)
}

/// Waits until no other process creates or removes this cluster.
fn lock(home: &Home, key: &str, tell: &dyn Fn(&str)) -> Result<File, KindError> {
    home.create()?;
    let path = home.entry_lock(key);
    let failed = KindError::file(&path, "locked");
    let file = match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(file) => file,
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            tell("waiting for another process that makes the cluster");
            file.lock().map_err(failed).map(|()| file)
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_that_want_one_cluster_come_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let first = lock(&home, "run", &|_| ()).unwrap();
        let (told, hears) = std::sync::mpsc::channel();
        let second = std::thread::spawn({
            let home = home.clone();
            move || lock(&home, "run", &|line| told.send(line.to_owned()).unwrap()).unwrap()
        });
        assert_eq!(hears.recv().unwrap(), "waiting for another process that makes the cluster");
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap();
    }

    #[test]
    fn entries_and_locks_of_clusters_that_are_gone_are_swept_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        drop(lock(&home, "gone", &|_| ()).unwrap());
        fs::write(home.entry("gone"), "{\"cluster\":\"seatrial-gone\"}").unwrap();
        let _held = lock(&home, "held", &|_| ()).unwrap();
        drop(lock(&home, "used", &|_| ()).unwrap());
        fs::write(home.entry("used"), "{\"cluster\":\"seatrial-used\"}").unwrap();
        fs::write(home.lease("seatrial-used"), "").unwrap();
        remove_stale_entries(&home);
        assert!(!home.entry("gone").exists() && !home.entry_lock("gone").exists());
        assert!(home.entry_lock("held").exists());
        assert!(home.entry("used").exists() && home.entry_lock("used").exists());
    }

    #[test]
    fn an_entry_that_was_cut_short_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entry");
        fs::write(&path, "{\"cluster\":\"sea").unwrap();
        assert_eq!(read(&path), None);
        fs::write(&path, "{\"cluster\":\"seatrial-a\"}").unwrap();
        assert_eq!(read(&path), Some("seatrial-a".into()));
    }
}
