//! The binaries, the projects that release them, and a check of binaries on disk.

use std::{
    fmt, fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// A binary of a control plane or of a node, or a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binary {
    /// The API server.
    KubeApiserver,
    /// The store of the API server.
    Etcd,
    /// The controllers: namespaces, garbage collection, …
    KubeControllerManager,
    /// The command line client.
    Kubectl,
    /// The scheduler of Pods.
    KubeScheduler,
    /// The agent that runs Pods on a node.
    Kubelet,
    /// The tool that joins a machine to a cluster.
    Kubeadm,
    /// The proxy for Services on a node.
    KubeProxy,
    /// The cluster's DNS server.
    Coredns,
    /// The tool for clusters of containers.
    Kind,
}

/// The project that releases a binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Project {
    Kubernetes,
    Etcd,
    Coredns,
    Kind,
}

impl Binary {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::KubeApiserver,
        Self::Etcd,
        Self::KubeControllerManager,
        Self::Kubectl,
        Self::KubeScheduler,
        Self::Kubelet,
        Self::Kubeadm,
        Self::KubeProxy,
        Self::Coredns,
        Self::Kind,
    ];

    /// The file name, also in archives and folders.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubeApiserver => "kube-apiserver",
            Self::Etcd => "etcd",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::Kubeadm => "kubeadm",
            Self::KubeProxy => "kube-proxy",
            Self::Coredns => "coredns",
            Self::Kind => "kind",
        }
    }

    /// The environment variable with the path of the binary. Those of etcd, kube-apiserver and kubectl are
    /// controller-runtime's.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::KubeApiserver => "TEST_ASSET_KUBE_APISERVER",
            Self::Etcd => "TEST_ASSET_ETCD",
            Self::KubeControllerManager => "TEST_ASSET_KUBE_CONTROLLER_MANAGER",
            Self::Kubectl => "TEST_ASSET_KUBECTL",
            Self::KubeScheduler => "TEST_ASSET_KUBE_SCHEDULER",
            Self::Kubelet => "TEST_ASSET_KUBELET",
            Self::Kubeadm => "TEST_ASSET_KUBEADM",
            Self::KubeProxy => "TEST_ASSET_KUBE_PROXY",
            Self::Coredns => "TEST_ASSET_COREDNS",
            Self::Kind => "TEST_ASSET_KIND",
        }
    }

    /// The project that releases it.
    pub(crate) const fn project(self) -> Project {
        match self {
            Self::Etcd => Project::Etcd,
            Self::Coredns => Project::Coredns,
            Self::Kind => Project::Kind,
            _ => Project::Kubernetes,
        }
    }

    /// True if Kubernetes releases it.
    pub(crate) fn is_kubernetes(self) -> bool {
        self.project() == Project::Kubernetes
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reason why a file is not a usable binary, as the rest of a sentence that starts with its path.
pub(crate) fn unusable_reason(path: &Path) -> Option<String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some("does not exist".to_owned()),
        Err(error) => return Some(format!("cannot be read ({error})")),
    };
    if !metadata.is_file() {
        return Some("is not a file".to_owned());
    }
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 == 0 {
        return Some("is not executable".to_owned());
    }
    match is_truncated(path, metadata.len()) {
        Ok(false) => None,
        Ok(true) => Some("is cut off: an unpacking or copy that was interrupted?".to_owned()),
        Err(error) => Some(format!("cannot be read ({error})")),
    }
}

/// True if an ELF file ends before the segments of its program header table. Other formats are not checked.
fn is_truncated(path: &Path, length: u64) -> io::Result<bool> {
    let mut file = fs::File::open(path)?;
    let mut header = [0u8; 64];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(length == 0),
        Err(error) => return Err(error),
    }
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Ok(false);
    }
    // ELF64, little endian: e_phoff at 32, e_phentsize at 54, e_phnum at 56; in an entry p_offset at 8, p_filesz at 32.
    let table = u64_at(&header, 32);
    let entry_size = u64::from(u16_at(&header, 54));
    let entries = u64::from(u16_at(&header, 56));
    if entry_size < 56 || table.saturating_add(entry_size * entries) > length {
        return Ok(true);
    }
    for index in 0..entries {
        let mut entry = [0u8; 56];
        file.seek(SeekFrom::Start(table + index * entry_size))?;
        file.read_exact(&mut entry)?;
        if u64_at(&entry, 8).saturating_add(u64_at(&entry, 32)) > length {
            return Ok(true);
        }
    }
    Ok(false)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight bytes"))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("a slice of two bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(contents: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("etcd");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_running_program_is_a_usable_binary() {
        assert_eq!(unusable_reason(&std::env::current_exe().unwrap()), None);
    }

    #[test]
    fn a_truncated_program_is_rejected() {
        let whole = fs::read(std::env::current_exe().unwrap()).unwrap();
        let (_dir, path) = file(&whole[..whole.len() / 2], 0o755);
        if cfg!(target_os = "linux") {
            assert!(unusable_reason(&path).unwrap().contains("cut off"));
        }
    }

    #[test]
    fn an_empty_file_is_rejected() {
        let (_dir, path) = file(b"", 0o755);
        assert!(unusable_reason(&path).unwrap().contains("cut off"));
    }

    #[test]
    fn a_script_is_accepted() {
        let (_dir, path) = file(b"#!/bin/sh\nexit 0\n", 0o755);
        assert_eq!(unusable_reason(&path), None);
    }

    #[test]
    fn a_file_that_is_not_executable_is_rejected() {
        let (_dir, path) = file(b"#!/bin/sh\n", 0o644);
        assert!(unusable_reason(&path).unwrap().contains("not executable"));
    }

    #[test]
    fn a_missing_file_does_not_exist() {
        assert!(unusable_reason(Path::new("/nonexistent/etcd")).unwrap().contains("does not exist"));
    }
}
