//! A folder that goes with its process.
//!
//! A killed process cannot tidy up, so each folder is marked by a lock that dies with its process, and whoever makes
//! the next one removes those that nobody holds any more. It does not know what is put into it.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use tempfile::TempDir;

const LOCK: &str = "lock";

/// A folder that is removed when this is dropped, and readable by this user only.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new folder below a parent. Folders of this prefix that nobody holds any more are removed first.
    pub(crate) fn create(parent: &Path, prefix: &str) -> io::Result<Self> {
        sweep(parent, prefix);
        let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        // The lock gets its name when it is held: a sweeper never sees a living folder with a free lock.
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

/// Removes the folders of processes that are gone. What cannot be removed stays for the next one.
fn sweep(parent: &Path, prefix: &str) {
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
    fn a_folder_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(parent.path(), "x-").unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_left_by_a_killed_process_is_swept_and_a_living_one_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join("x-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let living = Scratch::create(parent.path(), "x-").unwrap();
        assert!(!left.exists());
        let _another = Scratch::create(parent.path(), "x-").unwrap();
        assert!(living.path().is_dir());
    }

    #[test]
    fn a_folder_without_a_lock_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join("x-foreign");
        fs::create_dir(&foreign).unwrap();
        let _scratch = Scratch::create(parent.path(), "x-").unwrap();
        assert!(foreign.exists());
    }

    #[test]
    fn a_folder_of_another_prefix_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let other = parent.path().join("y-left");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(LOCK), "").unwrap();
        let _scratch = Scratch::create(parent.path(), "x-").unwrap();
        assert!(other.exists());
    }
}
