//! Builds from source where nothing can be downloaded; the Go toolchain is a script.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use seatrial_envtest::assets::{
    Assets, AssetsError, Binary, HostEnvironment, Request, Step, StepOutcome, resolve,
};

/// A machine without network whose `go` is a script.
struct Machine {
    home: tempfile::TempDir,
    index: String,
}

/// It records its arguments and builds programs that print their version.
const GO: &str = r#"#!/bin/sh
echo "$*" >>HOME/asked
case "$1 $2" in
"list -m")
  echo '{"Versions": ["v1.32.9", "v1.33.0", "v1.33.7", "v1.33.8-rc.0", "v1.34.4"]}' ;;
"mod download")
  printf 'module it\n\ngo 1.26.0\n\nrequire k8s.io/api v0.0.0\n' >its.mod
  printf '{"GoMod": "%s/its.mod"}' "$PWD" ;;
"build -trimpath")
  FAIL
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\necho Kubernetes v1.37.2\n' >"$2" ;;
esac
"#;

impl Machine {
    fn new(fail: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let go = home.path().join("go");
        fs::write(&go, GO.replace("HOME", home.path().to_str().unwrap()).replace("FAIL", fail)).unwrap();
        fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
        // The listener is dropped, so the port refuses connections.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { home, index: format!("http://{nobody}/index.yaml") }
    }

    async fn resolve(&self, version: &str) -> Result<Assets, AssetsError> {
        let home = self.home.path().to_str().unwrap();
        let variables = [
            ("HOME", home),
            ("PATH", home),
            ("SEATRIAL_ASSETS_INDEX", &self.index),
            ("SEATRIAL_DOWNLOAD_TIMEOUT", "300ms"),
        ];
        let request = Request::new(Some(version)).unwrap();
        resolve(&request.host_environment(HostEnvironment::with_variables(variables))).await
    }

    fn go_commands(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.home.path().join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }

    /// The folders of the cache, without staging folders.
    fn cached_files(&self) -> Vec<PathBuf> {
        let cache = self.home.path().join(".cache/seatrial/assets");
        let folders = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
        let named = |folder: &PathBuf| !folder.file_name().unwrap().to_string_lossy().starts_with('.');
        folders.filter(named).collect()
    }
}

fn outcomes(assets: &Assets, step: Step) -> Vec<&StepOutcome> {
    assets.report().lines().iter().filter(|line| line.step == step).map(|line| &line.outcome).collect()
}

fn contents(path: Option<&Path>) -> String {
    fs::read_to_string(path.expect("a binary that was asked for")).unwrap()
}

#[tokio::test]
async fn go_builds_what_cannot_be_downloaded() {
    let machine = Machine::new("");
    let assets = machine.resolve("1.37").await.unwrap();
    let [StepOutcome::NotFound(reason)] = &outcomes(&assets, Step::Index)[..] else {
        panic!("{}", assets.report())
    };
    assert!(reason.to_lowercase().contains("refused"), "{reason}");
    assert_eq!(outcomes(&assets, Step::Source).len(), 2, "{}", assets.report());
    assert!(contents(assets.path(Binary::KubeApiserver)).contains("v1.37.2"));
    let builds: Vec<String> =
        machine.go_commands().into_iter().filter(|line| line.starts_with("build ")).collect();
    let packages = ["k8s.io/kubernetes/cmd/kube-apiserver", "go.etcd.io/etcd/server/v3"];
    assert_eq!(builds.len(), 2);
    assert!(builds.iter().zip(packages).all(|(line, package)| line.ends_with(package)), "{builds:?}");
    assert_eq!(machine.cached_files().len(), 2, "kube-apiserver's folder and etcd's");
}

#[tokio::test]
async fn a_built_binary_is_not_built_again() {
    let machine = Machine::new("");
    machine.resolve("1.37").await.unwrap();
    let asked = machine.go_commands().len();
    let assets = machine.resolve("1.37").await.unwrap();
    assert_eq!(machine.go_commands().len(), asked);
    assert_eq!(outcomes(&assets, Step::Store).len(), 2, "{}", assets.report());
}

#[tokio::test]
async fn the_newest_patch_of_an_unpinned_release_is_built() {
    let machine = Machine::new("");
    let assets = machine.resolve("1.33").await.unwrap();
    assert_eq!(assets.kubernetes().unwrap().to_string(), "1.33.7", "the newest that is no candidate");
    assert!(machine.go_commands().contains(&"mod download -json k8s.io/kubernetes@v1.33.7".to_owned()));
}

#[tokio::test]
async fn a_failed_build_is_reported_with_its_last_lines_and_not_cached() {
    let machine =
        Machine::new("echo half-done >\"$PWD/result\"; echo 'write: no space left on device' >&2; exit 1");
    let error = machine.resolve("1.37").await.unwrap_err().to_string();
    for words in [
        "source      passed on: cannot build kube-apiserver: `go build ",
        "write: no space left on device",
        "next: free some space",
    ] {
        assert!(error.contains(words), "{words:?} is not in:\n{error}");
    }
    assert_eq!(machine.cached_files(), Vec::<PathBuf>::new());
}
