//! This project's own folder of binaries: its layout, its locks, and how a file gets in.
//!
//! A file appears under its final name whole or not at all: it is made under another name in the same folder and
//! renamed. Two processes that want the same thing wait for each other at a file lock, which the kernel lets go when
//! its holder dies. It knows nothing of what makes the files.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{
    binary::{Binary, Project},
    surroundings::Surroundings,
    version::Version,
};
use crate::process::scratch::Scratch;

/// The folder `assets` in the cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
    platform: String,
}

/// How a cached binary was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin<'a> {
    /// Built from source with the flags that this hash stands for.
    Built(&'a str),
    /// An official release.
    Released,
}

impl Cache {
    pub(crate) fn of(surroundings: &Surroundings) -> Self {
        Self { root: surroundings.cache().join("assets"), platform: surroundings.platform() }
    }

    /// Where a binary of a version is or will be. What does not follow Kubernetes' releases has a folder of its own.
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

    /// The versions of a binary that are there with this origin.
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

    /// A folder for half-finished work, on the same file system as the results.
    pub(crate) fn staging(&self) -> io::Result<Scratch> {
        fs::create_dir_all(&self.root)?;
        Scratch::create(&self.root, ".staging-")
    }

    /// Waits until nobody else makes the thing of this name; says so first if somebody does.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> io::Result<Lock> {
        fs::create_dir_all(&self.root)?;
        let path = self.root.join(format!(".{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Lock { _file: file })
    }

    /// Where downloads grow until they are whole.
    pub(crate) fn parts(&self) -> io::Result<PathBuf> {
        let parts = self.root.join(".parts");
        fs::create_dir_all(&parts)?;
        Ok(parts)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// A lock that ends with its owner. The file stays: removing it would let two processes lock two files of one name.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Moves a finished file to its final name, executable, and on disk before the name exists.
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
        let surroundings = Surroundings::with_variables([("XDG_CACHE_HOME", dir.path())]);
        (dir, Cache::of(&surroundings))
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
    fn a_second_owner_of_a_lock_waits_for_the_first() {
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
