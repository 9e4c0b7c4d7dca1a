//! The working folder of a control plane, for data, certificates, socket and logs, and private files in it.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::process::scratch_dir::ScratchDir;

const PREFIX: &str = "seatrial-envtest-";

const SOCKET: &str = "etcd.sock";

/// `sun_path` holds 104 bytes on macOS and 108 on Linux, with a zero at the end.
const MAX_SOCKET_PATH_LENGTH: usize = 100;

/// The working folder of a control plane, removed on drop.
#[derive(Debug)]
pub(crate) struct Folder {
    scratch: ScratchDir,
    /// Set if the path of the temporary folder is too long for a socket.
    socket_dir: Option<ScratchDir>,
}

impl Folder {
    /// Creates a folder below `parent`.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        let scratch = ScratchDir::create(parent, PREFIX)?;
        let fits = scratch.path().join(SOCKET).as_os_str().len() <= MAX_SOCKET_PATH_LENGTH;
        let socket_dir = (!fits).then(|| ScratchDir::create(Path::new("/tmp"), PREFIX)).transpose()?;
        Ok(Self { scratch, socket_dir })
    }

    pub(crate) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// The path of etcd's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.socket_dir.as_ref().unwrap_or(&self.scratch).path().join(SOCKET)
    }

    /// Writes a file of mode 0600 to the folder.
    pub(crate) fn write(&self, name: &str, contents: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        write_private(&path, contents)?;
        Ok(path)
    }
}

/// Writes a file with mode 0600, whatever the mode of an existing file.
pub(crate) fn write_private(path: &Path, contents: &str) -> io::Result<()> {
    // An existing file could be readable by others, so a new one is written and renamed.
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&staged);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
    file.write_all(contents.as_bytes())?;
    fs::rename(&staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_path_of_the_socket_is_short_below_a_long_path() {
        let parent = tempfile::tempdir().unwrap();
        let long = parent.path().join("x".repeat(120));
        fs::create_dir(&long).unwrap();
        let folder = Folder::create(&long).unwrap();
        std::os::unix::net::UnixListener::bind(folder.socket()).unwrap();
    }

    #[test]
    fn a_private_file_replaces_a_readable_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
