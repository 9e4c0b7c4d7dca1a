//! The folder that one control plane works in: data, certificates, socket, logs. It goes with the control plane.
//!
//! It knows where the socket may lie and how private files are written; not what they hold.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::process::scratch::Scratch;

const PREFIX: &str = "seatrial-envtest-";

const SOCKET: &str = "etcd.sock";

/// `sun_path` holds 104 bytes on macOS and 108 on Linux, with a zero at the end.
const LONGEST_SOCKET_PATH: usize = 100;

/// A control plane's folder.
#[derive(Debug)]
pub(crate) struct Folder {
    scratch: Scratch,
    /// Only where the temporary folder's path is too long for a socket.
    for_socket: Option<Scratch>,
}

impl Folder {
    /// A new folder below a parent, usually the system's temporary folder.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        let scratch = Scratch::create(parent, PREFIX)?;
        let fits = scratch.path().join(SOCKET).as_os_str().len() <= LONGEST_SOCKET_PATH;
        let for_socket = (!fits).then(|| Scratch::create(Path::new("/tmp"), PREFIX)).transpose()?;
        Ok(Self { scratch, for_socket })
    }

    pub(crate) fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Where etcd listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.for_socket.as_ref().unwrap_or(&self.scratch).path().join(SOCKET)
    }

    /// Writes a file that only this user may read.
    pub(crate) fn write(&self, name: &str, contents: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        write_private(&path, contents)?;
        Ok(path)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

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
