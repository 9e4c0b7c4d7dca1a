//! The files of the daemon, in one folder.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The maximum length of the path of a Unix socket (`sun_path` without the final zero).
const MAX_SOCKET_PATH_LENGTH: usize = 107;

/// The folder and the paths in it.
#[derive(Clone, Debug)]
pub(super) struct DaemonPaths {
    root: PathBuf,
}

impl DaemonPaths {
    /// `docker` in this project's cache: the folder of the socket that `seatrial_e2e` looks for.
    pub(super) fn of_this_user() -> Self {
        let socket = seatrial_e2e::docker::own_socket();
        Self { root: socket.parent().expect("a socket in a folder").to_owned() }
    }

    #[cfg(test)]
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Anything in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The path of its socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.path("docker.sock")
    }

    /// The same as `DOCKER_HOST` wants it.
    pub(super) fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.path("containerd.sock")
    }

    /// Sockets have short names, and this folder may be deep.
    pub(super) fn check(&self) -> Result<()> {
        // containerd adds a second socket beside its own.
        let longest = self.path("containerd.sock.ttrpc");
        let length = longest.as_os_str().len();
        ensure!(
            length <= MAX_SOCKET_PATH_LENGTH,
            "{} has {length} bytes and a socket's path may have {MAX_SOCKET_PATH_LENGTH}\n  next: set XDG_CACHE_HOME to a shorter folder",
            longest.display()
        );
        Ok(())
    }

    /// The bridge of this folder's daemon: two folders have two.
    pub(super) fn bridge(&self) -> String {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        // A hasher without random keys: the name is the same at every start.
        let mut hasher = DefaultHasher::new();
        self.root.hash(&mut hasher);
        // An interface's name has 15 bytes at most.
        format!("seatrial{:06x}", hasher.finish() & 0xff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_rejected_with_the_next_step() {
        let deep = PathBuf::from("/").join("x".repeat(100));
        let error = DaemonPaths::at(&deep).check().unwrap_err().to_string();
        assert!(error.contains("XDG_CACHE_HOME"), "{error}");
        DaemonPaths::at(Path::new("/home/someone/.cache/seatrial/docker")).check().unwrap();
    }

    #[test]
    fn each_folder_has_its_own_valid_bridge_name() {
        let (one, two) =
            (DaemonPaths::at(Path::new("/a")).bridge(), DaemonPaths::at(Path::new("/b")).bridge());
        assert!(one != two && one.len() <= 15, "{one} {two}");
        assert_eq!(one, DaemonPaths::at(Path::new("/a")).bridge());
    }
}
