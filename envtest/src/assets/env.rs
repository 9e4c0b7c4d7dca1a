//! The first step: binaries and folders named by environment variables or by the request.
//!
//! The variables are those of controller-runtime's envtest, in its order of precedence: `TEST_ASSET_*` for one binary,
//! `KUBEBUILDER_ASSETS` for a folder, the folder of the request, `/usr/local/kubebuilder/bin`. kind is also found on PATH.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    binary::{Binary, unusable_reason},
    pins,
    report::Step,
    resolve::{Resolution, names},
    version::{RequestedVersion, Version},
};

/// The folder of kubebuilder's former installation instructions.
const KUBEBUILDER_FOLDER: &str = "/usr/local/kubebuilder/bin";

/// A path, and the name of the variable or option that it is from.
struct Candidate {
    path: PathBuf,
    named_by: String,
}

pub(crate) fn look(resolution: &mut Resolution) {
    let folders = folders(resolution);
    for binary in resolution.missing() {
        let variable = resolution.request.host_environment.variable(binary.variable());
        let single =
            variable.map(|path| Candidate { path: path.into(), named_by: binary.variable().to_owned() });
        let in_folders = folders.iter().map(|folder| Candidate {
            path: folder.path.join(binary.name()),
            named_by: folder.named_by.clone(),
        });
        let on_path = (binary == Binary::Kind).then(|| on_path(resolution)).flatten();
        for candidate in single.into_iter().chain(in_folders).chain(on_path) {
            if take(resolution, binary, &candidate) {
                break;
            }
        }
    }
    let missing = resolution.missing();
    if !missing.is_empty() && folders.is_empty() {
        resolution.not_found(Step::Environment, format!("no variable or folder names {}", names(&missing)));
    }
}

fn folders(resolution: &Resolution) -> Vec<Candidate> {
    let request = &resolution.request;
    let variable = request.host_environment.variable("KUBEBUILDER_ASSETS");
    let variable =
        variable.map(|path| Candidate { path: path.into(), named_by: "KUBEBUILDER_ASSETS".to_owned() });
    let option =
        request.dir.clone().map(|path| Candidate { path, named_by: "the folder of the builder".to_owned() });
    let kubebuilder = Path::new(KUBEBUILDER_FOLDER);
    let kubebuilder = kubebuilder
        .is_dir()
        .then(|| Candidate { path: kubebuilder.to_owned(), named_by: KUBEBUILDER_FOLDER.to_owned() });
    variable.into_iter().chain(option).chain(kubebuilder).collect()
}

/// The kind on PATH, unless it is older than the pinned one, which the node images need.
fn on_path(resolution: &mut Resolution) -> Option<Candidate> {
    let path = resolution.request.host_environment.variable("PATH")?;
    let kind = which::which_in(Binary::Kind.name(), Some(path), "/").ok()?;
    let version = version_of(Binary::Kind, &kind);
    if version.as_ref().is_some_and(|version| *version >= pins::KIND) {
        return Some(Candidate { path: kind, named_by: "PATH".to_owned() });
    }
    let is = version.map_or("does not say its version".to_owned(), |version| format!("is {version}"));
    let reason = format!("{} {is}, wanted {} or newer (PATH)", kind.display(), pins::KIND);
    resolution.not_found(Step::Environment, reason);
    None
}

/// Accepts the candidate if it is usable and has a requested version.
fn take(resolution: &mut Resolution, binary: Binary, candidate: &Candidate) -> bool {
    if let Some(objection) = unusable_reason(&candidate.path) {
        let reason = format!("{} {objection} ({})", candidate.path.display(), candidate.named_by);
        resolution.not_found(Step::Environment, reason);
        return false;
    }
    let prints_version = binary.is_kubernetes() || binary == Binary::Kind;
    let version = if prints_version { version_of(binary, &candidate.path) } else { None };
    // Without an explicit version, any version is accepted.
    let any = !resolution.request.explicit && matches!(resolution.kubernetes, RequestedVersion::Minor(..));
    let rejected =
        |version: &&Version| binary.is_kubernetes() && !any && !resolution.kubernetes.accepts(version);
    if let Some(version) = version.as_ref().filter(rejected) {
        let reason = format!(
            "{} is {version}, wanted {} ({})",
            candidate.path.display(),
            resolution.kubernetes,
            candidate.named_by
        );
        resolution.not_found(Step::Environment, reason);
        return false;
    }
    resolution.found(Step::Environment, binary, version, candidate.path.clone());
    true
}

/// The version that a binary prints; `None` for a wrapper or script that prints none.
fn version_of(binary: Binary, path: &Path) -> Option<Version> {
    let mut command = Command::new(path);
    match binary {
        Binary::Kubectl => command.args(["version", "--client"]),
        Binary::Kubeadm => command.args(["version", "--output=short"]),
        Binary::Kind => command.arg("version"),
        _ => command.arg("--version"),
    };
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // "Kubernetes v1.37.2", "Client Version: v1.37.2", "kind v0.33.0 go1.26 linux/amd64".
    text.split_whitespace().find_map(|word| word.strip_prefix('v')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{HostEnvironment, Request, resolve};
    use std::{fs, os::unix::fs::PermissionsExt as _};

    fn folder(version: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"] {
            let path = dir.path().join(name);
            fs::write(&path, format!("#!/bin/sh\necho Kubernetes v{version}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    fn request(version: Option<&str>, variables: &[(&str, &Path)]) -> Request {
        let nowhere = Path::new("/nonexistent");
        let all = [("HOME", nowhere)].into_iter().chain(variables.iter().copied());
        Request::new(version)
            .unwrap()
            .installed_only(true)
            .host_environment(HostEnvironment::with_variables(all))
    }

    #[tokio::test]
    async fn a_folder_with_all_binaries_suffices() {
        let dir = folder("1.36.1");
        let request = request(None, &[("KUBEBUILDER_ASSETS", dir.path())]).with(Binary::Kubectl);
        let assets = resolve(&request).await.unwrap();
        assert_eq!(assets.path(Binary::Etcd), Some(dir.path().join("etcd").as_path()));
        assert_eq!(assets.kubernetes().unwrap().to_string(), "1.36.1");
    }

    #[tokio::test]
    async fn the_variable_of_a_binary_has_precedence_over_the_folder() {
        let (dir, other) = (folder("1.37.2"), folder("1.37.2"));
        let etcd = other.path().join("etcd");
        let request = request(None, &[("KUBEBUILDER_ASSETS", dir.path()), ("TEST_ASSET_ETCD", &etcd)]);
        assert_eq!(resolve(&request).await.unwrap().path(Binary::Etcd), Some(etcd.as_path()));
    }

    #[tokio::test]
    async fn a_folder_of_another_version_is_reported_and_skipped() {
        let dir = folder("1.36.1");
        let error = resolve(&request(Some("1.37"), &[("KUBEBUILDER_ASSETS", dir.path())])).await.unwrap_err();
        assert!(error.to_string().contains("is 1.36.1, wanted 1.37 (KUBEBUILDER_ASSETS)"), "{error}");
    }

    #[tokio::test]
    async fn kubernetes_binaries_of_two_versions_are_not_mixed() {
        let (dir, other) = (folder("1.37.2"), folder("1.36.1"));
        let manager = other.path().join("kube-controller-manager");
        let variables =
            [("KUBEBUILDER_ASSETS", dir.path()), ("TEST_ASSET_KUBE_CONTROLLER_MANAGER", manager.as_path())];
        let assets = resolve(&request(None, &variables).with(Binary::KubeControllerManager)).await.unwrap();
        let taken = assets.path(Binary::KubeControllerManager).unwrap();
        assert_eq!(taken, dir.path().join("kube-controller-manager"), "the other one is 1.36.1");
    }

    fn kind_on_path(says: &str) -> (tempfile::TempDir, Request) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kind");
        fs::write(&path, format!("#!/bin/sh\necho {says}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let variables = [("HOME", Path::new("/nonexistent")), ("PATH", dir.path())];
        let request = Request::only(None, [Binary::Kind]).unwrap().installed_only(true);
        let request = request.host_environment(HostEnvironment::with_variables(variables));
        (dir, request)
    }

    #[tokio::test]
    async fn kind_on_path_is_used_if_it_is_not_older_than_the_pin() {
        let (dir, request) = kind_on_path("kind v0.33.1 go1.26 linux/amd64");
        let assets = resolve(&request).await.unwrap();
        assert_eq!(assets.path(Binary::Kind), Some(dir.path().join("kind").as_path()));
        assert_eq!(assets.kubernetes(), None, "kind's version is not Kubernetes'");
    }

    #[tokio::test]
    async fn an_older_kind_on_path_is_reported_and_skipped() {
        let (_dir, request) = kind_on_path("kind v0.20.0 go1.20 linux/amd64");
        let error = resolve(&request).await.unwrap_err();
        assert!(error.to_string().contains("is 0.20.0, wanted 0.33.0 or newer (PATH)"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_file_is_named_with_its_variable() {
        let error = resolve(&request(None, &[("TEST_ASSET_ETCD", Path::new("/nonexistent/etcd"))]))
            .await
            .unwrap_err();
        assert!(error.to_string().contains("/nonexistent/etcd does not exist (TEST_ASSET_ETCD)"), "{error}");
    }
}
