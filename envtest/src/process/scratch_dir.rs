//! Temporary folders that are removed even if their process is killed.
//!
//! `tempfile::TempDir` leaves the folder of a killed process. Here each folder has a file lock that the kernel releases
//! with the process, and the creation of the next folder removes those whose lock is free.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use tempfile::TempDir;

const LOCK: &str = "lock";

/// A temporary folder of mode 0700, removed on drop.
#[derive(Debug)]
pub(crate) struct ScratchDir {
    dir: TempDir,
    _lock: File,
}

impl ScratchDir {
    /// Creates a folder below `parent`, after the removal of abandoned folders with this prefix.
    pub(crate) fn create(parent: &Path, prefix: &str) -> io::Result<Self> {
        remove_abandoned(parent, prefix);
        let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        // The lock file is renamed once it is locked, so that a live folder never has a free lock.
        let unnamed = dir.path().join("lock.new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(unnamed, dir.path().join(LOCK))?;
        Ok(Self { dir, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the folders of processes that have ended. Errors are left to the next call.
fn remove_abandoned(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_removed_on_drop() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = ScratchDir::create(parent.path(), "x-").unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn only_the_folder_of_a_killed_process_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("x-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let living = ScratchDir::create(parent.path(), "x-").unwrap();
        assert!(!left.exists());
        let _another = ScratchDir::create(parent.path(), "x-").unwrap();
        assert!(living.path().is_dir());
    }

    #[test]
    fn a_folder_without_a_lock_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join("x-foreign");
        fs::create_dir(&foreign).unwrap();
        let _scratch = ScratchDir::create(parent.path(), "x-").unwrap();
        assert!(foreign.exists());
    }

    #[test]
    fn a_folder_of_another_prefix_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let other = parent.path().join("y-left");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(LOCK), "").unwrap();
        let _scratch = ScratchDir::create(parent.path(), "x-").unwrap();
        assert!(other.exists());
    }
}
