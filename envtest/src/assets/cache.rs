//! The cache of binaries that this project built or downloaded: layout, locks and atomic publication.
//!
//! A file is staged in the same file system and renamed, so it is never seen incomplete. Processes that need the same
//! file wait for each other with a file lock, which the kernel releases when its holder dies.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{
    binary::{Binary, Project},
    host_environment::HostEnvironment,
    version::Version,
};
use crate::process::scratch_dir::ScratchDir;

/// The folder `assets` in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
    platform: String,
}

/// The origin of a cached binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// Built from source, with the hash of the build flags.
    Built(&'a str),
    /// An official release.
    Released,
}

impl Cache {
    pub(crate) fn of(host_environment: &HostEnvironment) -> Self {
        Self { root: host_environment.cache().join("assets"), platform: host_environment.platform() }
    }

    /// The path of a binary of a version, whether it is cached or not. Each project has its own folders.
    pub(crate) fn path(&self, binary: Binary, version: &Version, origin: Origin<'_>) -> PathBuf {
        let owner = match binary.project() {
            Project::Kubernetes => "",
            Project::Etcd => "etcd-",
            Project::Coredns => "coredns-",
            Project::Kind => "kind-",
        };
        let origin = match origin {
            Origin::Built(hash) => hash,
            Origin::Released => "release",
        };
        self.root.join(format!("{owner}{version}-{}-{origin}", self.platform)).join(binary.name())
    }

    /// The cached versions of a binary with this origin.
    pub(crate) fn versions(&self, binary: Binary, origin: Origin<'_>) -> Vec<Version> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let version: Version = name.split_once(&format!("-{}-", self.platform))?.0.parse().ok()?;
                self.path(binary, &version, origin).is_file().then_some(version)
            })
            .collect()
    }

    /// A folder for staging, on the file system of the cache.
    pub(crate) fn staging(&self) -> io::Result<ScratchDir> {
        fs::create_dir_all(&self.root)?;
        ScratchDir::create(&self.root, ".staging-")
    }

    /// Takes the lock `name`, and calls `on_wait` first if another process holds it.
    pub(crate) fn lock(&self, name: &str, on_wait: impl FnOnce()) -> io::Result<Lock> {
        fs::create_dir_all(&self.root)?;
        let path = self.root.join(format!(".{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                on_wait();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Lock { _file: file })
    }

    /// The folder of partial downloads.
    pub(crate) fn parts_dir(&self) -> io::Result<PathBuf> {
        let parts = self.root.join(".parts");
        fs::create_dir_all(&parts)?;
        Ok(parts)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// A held lock. The file is not removed, since two processes could then lock two files of one name.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Makes a staged file executable, syncs it and renames it to its final path.
pub(crate) fn publish(staged: &Path, path: &Path) -> io::Result<()> {
    fs::set_permissions(staged, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    File::open(staged)?.sync_all()?;
    fs::create_dir_all(path.parent().expect("a file in a folder"))?;
    fs::rename(staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let host_environment = HostEnvironment::with_variables([("XDG_CACHE_HOME", dir.path())]);
        (dir, Cache::of(&host_environment))
    }

    #[test]
    fn a_published_binary_is_listed_with_its_version() {
        let (_dir, cache) = cache();
        let version = Version::new(1, 37, 2);
        let staging = cache.staging().unwrap();
        let staged = staging.path().join("kubectl");
        fs::write(&staged, "x").unwrap();
        assert!(cache.versions(Binary::Kubectl, Origin::Built("abc")).is_empty());
        publish(&staged, &cache.path(Binary::Kubectl, &version, Origin::Built("abc"))).unwrap();
        assert_eq!(cache.versions(Binary::Kubectl, Origin::Built("abc")), [version]);
        assert!(
            cache.versions(Binary::Kubectl, Origin::Built("other")).is_empty(),
            "another recipe's result"
        );
        assert!(cache.versions(Binary::KubeApiserver, Origin::Built("abc")).is_empty(), "another binary");
    }

    #[test]
    fn a_second_holder_of_a_lock_waits_for_the_first() {
        let (_dir, cache) = cache();
        let first = cache.lock("build", || ()).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let other = cache.clone();
        let second = std::thread::spawn(move || {
            let lock = other.lock("build", || sender.send("waiting").unwrap()).unwrap();
            sender.send("second").unwrap();
            drop(lock);
        });
        // It says that it waits, and gets no further while the first lock is held.
        assert_eq!(receiver.recv().unwrap(), "waiting");
        assert!(receiver.try_recv().is_err());
        drop(first);
        assert_eq!(receiver.recv().unwrap(), "second");
        second.join().unwrap();
    }
}
