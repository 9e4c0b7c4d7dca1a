//! Downloads from a local HTTP server, intact, broken and malicious ones.

use std::{fs, io::Write as _, path::Path, process::Stdio};

use seatrial_envtest::assets::{
    Assets, AssetsError, Binary, HostEnvironment, Request, Step, StepOutcome, resolve,
};
use sha2::{Digest as _, Sha512};

use crate::{
    examples,
    server::{Delivery, Server},
};

const ARCHIVE: &str = "/envtest-v1.37.2.tar.gz";

/// A machine without binaries, and a server with all of them.
pub(crate) struct Machine {
    home: tempfile::TempDir,
    server: Server,
}

impl Machine {
    async fn new() -> Self {
        let machine = Self { home: tempfile::tempdir().unwrap(), server: Server::start().await };
        machine.publish(&archive(), Delivery::Whole);
        machine
    }

    /// The same with a slow server.
    pub(crate) async fn slow() -> Self {
        let machine = Self::new().await;
        machine.publish(&archive(), Delivery::Slow);
        machine
    }

    /// Publishes an archive and an index with its hash.
    fn publish(&self, archive: &[u8], delivery: Delivery) {
        self.publish_with_hash(archive, delivery, &sha512(archive));
    }

    fn publish_with_hash(&self, archive: &[u8], delivery: Delivery, hash: &str) {
        self.server.put(ARCHIVE, archive.to_owned(), delivery);
        let link = self.server.url(ARCHIVE);
        let entry = |version: &str| {
            let archive = format!("envtest-{version}-{}.tar.gz", platform());
            format!("  {version}:\n    {archive}:\n      hash: {hash}\n      selfLink: {link}\n")
        };
        let index = format!("releases:\n{}{}", entry("v1.37.2"), entry("v1.36.0"));
        self.server.put("/index.yaml", index, Delivery::Whole);
    }

    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let variables = [
            ("HOME", self.home.path().to_str().unwrap().to_owned()),
            ("SEATRIAL_ASSETS_INDEX", self.server.url("/index.yaml")),
            ("SEATRIAL_RELEASES", self.server.url("/release")),
            ("SEATRIAL_DOWNLOAD_TIMEOUT", "300ms".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn request(&self) -> Request {
        let request = Request::new(Some("1.37")).unwrap();
        request.host_environment(HostEnvironment::with_variables(self.variables()))
    }

    async fn resolve(&self) -> Result<Assets, AssetsError> {
        resolve(&self.request()).await
    }

    /// The files on the machine, without locks and partial downloads.
    fn cached_files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(self.home.path(), &mut files);
        let name =
            |file: &std::path::PathBuf| file.strip_prefix(self.home.path()).unwrap().display().to_string();
        let mut names: Vec<String> =
            files.iter().map(name).filter(|name| !name.contains("assets/.")).collect();
        names.sort();
        names
    }
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn platform() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}

fn sha512(data: &[u8]) -> String {
    Sha512::digest(data).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An archive as controller-tools makes them, with scripts for binaries.
fn archive() -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for name in ["etcd", "kube-apiserver", "kubectl"] {
        let script = format!("#!/bin/sh\necho Kubernetes v1.37.2 # {name}{}\n", "#".repeat(20_000));
        let mut header = tar::Header::new_gnu();
        header.set_size(script.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, format!("controller-tools/envtest/{name}"), script.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// Why the download step passed on.
#[track_caller]
fn reason(error: &AssetsError) -> &str {
    let line =
        error.report().lines().iter().find(|line| line.step == Step::Index).expect("the step says something");
    match &line.outcome {
        StepOutcome::NotFound(reason) => reason,
        found @ StepOutcome::Found { .. } => panic!("{found:?} although the download was bad"),
    }
}

#[tokio::test]
async fn an_archive_is_unpacked_into_setup_envtests_store() {
    let machine = Machine::new().await;
    let assets = machine.resolve().await.unwrap();
    let folder = format!(".local/share/kubebuilder-envtest/k8s/1.37.2-{}", platform());
    if cfg!(target_os = "linux") {
        assert_eq!(
            assets.path(Binary::KubeApiserver).unwrap(),
            machine.home.path().join(&folder).join("kube-apiserver")
        );
        assert_eq!(
            machine.cached_files(),
            ["etcd", "kube-apiserver", "kubectl"].map(|name| format!("{folder}/{name}"))
        );
    }
    assert_eq!(assets.kubernetes().unwrap().to_string(), "1.37.2");
}

#[tokio::test]
async fn a_stored_binary_is_not_downloaded_again() {
    let machine = Machine::new().await;
    machine.resolve().await.unwrap();
    machine.resolve().await.unwrap();
    assert_eq!(machine.server.requests(ARCHIVE).len(), 1);
    assert_eq!(machine.server.requests("/index.yaml").len(), 1);
}

#[tokio::test]
async fn an_archive_with_another_hash_is_not_unpacked() {
    let machine = Machine::new().await;
    machine.publish_with_hash(&archive(), Delivery::Whole, &sha512(b"something else"));
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("does not have the hash that is promised"), "{error}");
    assert_eq!(machine.cached_files(), [""; 0]);
}

#[tokio::test]
async fn an_archive_with_entries_outside_its_folder_is_rejected() {
    let machine = Machine::new().await;
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "controller-tools/envtest/etcd", "/bin/sh").unwrap();
    machine.publish(&tar.into_inner().unwrap().finish().unwrap(), Delivery::Whole);
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("is a link out of the folder: refused as a whole"), "{error}");
    assert_eq!(machine.cached_files(), [""; 0]);
}

#[tokio::test]
async fn a_broken_download_is_resumed() {
    let machine = Machine::new().await;
    machine.publish(&archive(), Delivery::BreaksOnce);
    machine.resolve().await.unwrap();
    let half = archive().len() / 2;
    assert_eq!(machine.server.requests(ARCHIVE), [None, Some(format!("bytes={half}-"))]);
}

#[tokio::test]
async fn a_download_that_keeps_breaking_fails_and_publishes_nothing() {
    let machine = Machine::new().await;
    machine.publish(&archive(), Delivery::Breaks);
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("cannot be fetched"), "{error}");
    assert_eq!(machine.server.requests(ARCHIVE).len(), 3);
    assert_eq!(machine.cached_files(), [""; 0]);
}

#[tokio::test]
async fn a_later_process_resumes_a_partial_download() {
    let machine = Machine::new().await;
    machine.publish(&archive(), Delivery::Stalls);
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("silent for too long"), "{error}");
    machine.publish(&archive(), Delivery::Whole);
    machine.resolve().await.unwrap();
    let ranges = machine.server.requests(ARCHIVE);
    assert!(matches!(&ranges[..], [Some(range)] if range != "bytes=0-"), "{ranges:?}");
}

#[tokio::test]
async fn a_part_of_another_file_is_discarded() {
    let machine = Machine::new().await;
    let parts = machine.home.path().join(".cache/seatrial/assets/.parts");
    fs::create_dir_all(&parts).unwrap();
    let part = parts.join(format!("envtest-v1.37.2-{}.tar.gz", platform()));
    fs::File::create(&part).unwrap().write_all(b"a part of another file").unwrap();
    machine.resolve().await.unwrap();
    assert_eq!(machine.server.requests(ARCHIVE).len(), 2, "resumed, found wrong, fetched from the start");
}

#[tokio::test]
async fn a_slow_download_succeeds_while_data_arrives() {
    let machine = Machine::slow().await;
    machine.resolve().await.unwrap();
    assert_eq!(machine.server.requests(ARCHIVE).len(), 1);
}

#[tokio::test]
async fn a_missing_archive_is_reported_with_its_url() {
    let machine = Machine::new().await;
    let index = "releases:\n  v1.37.2:\n    envtest-v1.37.2-PLATFORM.tar.gz:\n      hash: abc\n      selfLink: LINK\n";
    let index =
        index.replace("PLATFORM", &platform()).replace("LINK", &machine.server.url("/nowhere.tar.gz"));
    machine.server.put("/index.yaml", index, Delivery::Whole);
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("/nowhere.tar.gz answers 404 Not Found"), "{error}");
}

#[tokio::test]
async fn a_missing_index_is_reported_with_its_url() {
    let machine = Machine::new().await;
    let variables = machine
        .variables()
        .into_iter()
        .chain([("SEATRIAL_ASSETS_INDEX".to_owned(), machine.server.url("/nowhere.yaml"))]);
    let request = Request::new(None).unwrap().host_environment(HostEnvironment::with_variables(variables));
    let error = resolve(&request).await.unwrap_err();
    assert!(reason(&error).contains("/nowhere.yaml answers 404 Not Found"), "{error}");
}

#[tokio::test]
async fn a_malformed_index_is_rejected() {
    let machine = Machine::new().await;
    machine.server.put("/index.yaml", "<html>log in first</html>", Delivery::Whole);
    let error = machine.resolve().await.unwrap_err();
    assert!(reason(&error).contains("is not what it should be"), "{error}");
}

#[tokio::test]
async fn a_version_that_is_not_listed_is_reported() {
    let machine = Machine::new().await;
    let request = Request::new(Some("1.35"))
        .unwrap()
        .host_environment(HostEnvironment::with_variables(machine.variables()));
    let error = resolve(&request).await.unwrap_err();
    assert!(reason(&error).contains("no archive of 1.35 for"), "{error}");
}

#[tokio::test]
async fn a_machine_without_network_gets_the_next_step() {
    let machine = Machine::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables = machine
        .variables()
        .into_iter()
        .chain([("SEATRIAL_ASSETS_INDEX".to_owned(), format!("http://{nobody}/index.yaml"))]);
    let request = Request::new(None).unwrap().host_environment(HostEnvironment::with_variables(variables));
    let error = resolve(&request).await.unwrap_err();
    assert!(reason(&error).to_lowercase().contains("refused"), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("source      passed on: no Go toolchain") && text.contains("next: install the Go"),
        "{text}"
    );
}

#[tokio::test]
async fn kube_controller_manager_is_downloaded_from_its_release() {
    let machine = Machine::new().await;
    let program = b"#!/bin/sh\necho Kubernetes v1.37.2\n";
    let os_arch = platform().replace('-', "/");
    let path = format!("/release/v1.37.2/bin/{os_arch}/kube-controller-manager");
    machine.server.put(&path, program.as_slice(), Delivery::Whole);
    machine.server.put(&format!("{path}.sha512"), sha512(program), Delivery::Whole);
    let request = machine.request().with(Binary::KubeControllerManager);
    let assets = resolve(&request).await.unwrap();
    assert_eq!(fs::read(assets.path(Binary::KubeControllerManager).unwrap()).unwrap(), program);
    // The second time it is in the cache.
    resolve(&request).await.unwrap();
    assert_eq!(machine.server.requests(&path).len(), 1);
}

#[tokio::test]
async fn a_release_without_checksum_is_not_downloaded() {
    let machine = Machine::new().await;
    let os_arch = platform().replace('-', "/");
    let path = format!("/release/v1.37.2/bin/{os_arch}/kube-controller-manager");
    machine.server.put(&path, "program", Delivery::Whole);
    machine.server.put(&format!("{path}.sha512"), "<html>", Delivery::Whole);
    let request = machine.request().with(Binary::KubeControllerManager);
    let error = resolve(&request).await.unwrap_err();
    assert_eq!(error.missing(), [Binary::KubeControllerManager]);
    assert!(error.to_string().contains("is no checksum"), "{error}");
    assert!(machine.server.requests(&path).is_empty());
}

#[tokio::test]
async fn an_incomplete_folder_in_the_store_is_replaced() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let machine = Machine::new().await;
    let folder =
        machine.home.path().join(format!(".local/share/kubebuilder-envtest/k8s/1.37.2-{}", platform()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("kube-apiserver"), "").unwrap();
    let assets = machine.resolve().await.unwrap();
    assert!(assets.report().to_string().contains("kube-apiserver is not executable"), "{}", assets.report());
    assert!(fs::metadata(folder.join("kube-apiserver")).unwrap().len() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_processes_download_once() {
    let machine = Machine::slow().await;
    let start = || {
        let mut command = examples::command("resolve");
        command.arg("1.37").envs(machine.variables()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [start(), start()];
    let outputs = tokio::task::spawn_blocking(move || both.map(|child| child.wait_with_output().unwrap()))
        .await
        .unwrap();
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("kube-apiserver 1.37.2: "));
    }
    assert_eq!(machine.server.requests(ARCHIVE).len(), 1);
}
