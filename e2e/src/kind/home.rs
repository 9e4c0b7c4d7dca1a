//! Folder for files that outlive a process: leases, and a folder for each cluster.
//!
//! It knows paths only.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::KindError;

/// The folder: `SEATRIAL_KIND_HOME`, or `${XDG_STATE_HOME:-~/.local/state}/seatrial/kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The folder of this process.
    pub fn of_this_process() -> Self {
        Self::read(|variable| std::env::var_os(variable))
    }

    /// Another folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(root) = absolute("SEATRIAL_KIND_HOME") {
            return Self { root };
        }
        let state = absolute("XDG_STATE_HOME")
            .unwrap_or_else(|| absolute("HOME").unwrap_or_else(std::env::temp_dir).join(".local/state"));
        Self { root: state.join("seatrial/kind") }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    pub(super) fn create(&self) -> Result<(), KindError> {
        fs::create_dir_all(&self.root).map_err(KindError::file(&self.root, "created"))
    }

    /// A cluster's lease.
    pub(super) fn lease(&self, cluster: &str) -> PathBuf {
        self.root.join(format!("{cluster}.lease"))
    }

    /// A cluster's folder.
    pub(super) fn folder(&self, cluster: &str) -> PathBuf {
        self.root.join(cluster)
    }

    /// A cluster's kubeconfig, with all rights.
    pub(super) fn kubeconfig(&self, cluster: &str) -> PathBuf {
        self.folder(cluster).join("kubeconfig")
    }

    /// The registry's entry for a key.
    pub(super) fn entry(&self, key: &str) -> PathBuf {
        self.root.join(format!("shared-{key}.json"))
    }

    /// The lock of a registry's entry.
    pub(super) fn entry_lock(&self, key: &str) -> PathBuf {
        self.root.join(format!(".shared-{key}.lock"))
    }

    /// The names of all clusters with a lease or a folder here.
    pub(super) fn clusters(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let name = name.strip_suffix(".lease").unwrap_or(&name);
                name.starts_with(super::name::PREFIX).then(|| name.to_owned())
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(pairs: &[(&str, &str)]) -> PathBuf {
        let home = Home::read(|variable| {
            pairs.iter().find(|(name, _)| *name == variable).map(|(_, value)| OsString::from(value))
        });
        home.root
    }

    #[test]
    fn the_folder_follows_its_own_variable_then_xdg_then_home() {
        assert_eq!(home(&[("SEATRIAL_KIND_HOME", "/k"), ("HOME", "/h")]), Path::new("/k"));
        assert_eq!(home(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]), Path::new("/s/seatrial/kind"));
        assert_eq!(
            home(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]),
            Path::new("/h/.local/state/seatrial/kind")
        );
    }

    #[test]
    fn clusters_are_found_by_lease_and_by_folder_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        for name in ["seatrial-a.lease", "seatrial-b.lease", "shared-x.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        for name in ["seatrial-a", "seatrial-c", "other"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        assert_eq!(home.clusters(), ["seatrial-a", "seatrial-b", "seatrial-c"]);
    }
}
