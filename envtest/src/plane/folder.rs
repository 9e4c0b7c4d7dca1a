//! The folder that one control plane works in: data, certificates, socket, logs.
//!
//! It goes with the control plane. A killed test process cannot tidy up, so each folder is marked by a lock that dies
//! with its process, and the next start removes what nobody holds any more. It knows no file that is put in it, save
//! where the socket may lie.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

const PREFIX: &str = "seatrial-envtest-";
const LOCK: &str = "lock";

/// `sun_path` holds 104 bytes on macOS and 108 on Linux, with a zero at the end.
const LONGEST_SOCKET_PATH: usize = 100;

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: TempDir,
    /// Only where the temporary folder's path is too long for a socket.
    socket_dir: Option<TempDir>,
    _lock: File,
}

impl Folder {
    /// A new folder below a parent (usually the system's temporary folder), readable by this user only.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        // The sweeper takes a folder without a lock file for one that is just being made, so the order is free.
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let lock = File::create(dir.path().join(LOCK))?;
        lock.lock()?;
        let fits = dir.path().join(SOCKET).as_os_str().len() <= LONGEST_SOCKET_PATH;
        let socket_dir =
            (!fits).then(|| tempfile::Builder::new().prefix("seatrial-").tempdir_in("/tmp")).transpose()?;
        Ok(Self { dir, socket_dir, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where etcd listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_dir.as_ref().unwrap_or(&self.dir).path().join(SOCKET)
    }

    /// Writes a file that only this user may read.
    pub(crate) fn write(&self, name: &str, contents: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        write_private(&path, contents)?;
        Ok(path)
    }
}

const SOCKET: &str = "etcd.sock";

/// Writes a file with mode 0600, whatever the mode of a file that was there.
pub(crate) fn write_private(path: &Path, contents: &str) -> io::Result<()> {
    // A new file under a temporary name: an existing one could be readable by others, and is never seen half-written.
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&staged);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
    file.write_all(contents.as_bytes())?;
    fs::rename(&staged, path)
}

/// Removes the folders of processes that are gone. What cannot be removed stays for the next one.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
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
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_goes_with_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(parent.path()).unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_left_by_a_killed_process_is_swept_and_a_living_one_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let living = Folder::create(parent.path()).unwrap();
        assert!(!left.exists());
        let _another = Folder::create(parent.path()).unwrap();
        assert!(living.path().is_dir());
    }

    #[test]
    fn a_folder_without_a_lock_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join(format!("{PREFIX}foreign"));
        fs::create_dir(&foreign).unwrap();
        let _folder = Folder::create(parent.path()).unwrap();
        assert!(foreign.exists());
    }

    #[test]
    fn the_socket_fits_even_below_a_long_path() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(120));
        fs::create_dir(&long).unwrap();
        let folder = Folder::create(&long).unwrap();
        std::os::unix::net::UnixListener::bind(folder.socket()).unwrap();
    }

    #[test]
    fn a_private_file_replaces_an_open_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
