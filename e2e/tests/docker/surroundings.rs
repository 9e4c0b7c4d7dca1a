//! What the tests find and leave in Docker.

use std::io::Write as _;
use std::process::{Command, Stdio};

use seatrial_e2e::kind::Home;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// kind's label for the cluster that a container belongs to.
pub(crate) const CLUSTER: &str = "io.x-k8s.kind.cluster";

/// Held by a test that counts on being the one who reaps: a reaper removes whatever nobody uses, whosesoever it was.
pub(crate) static REAPING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A home that no other test has. It goes with the test.
pub(crate) fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = Home::at(folder.path().join("kind"));
    (folder, home)
}

/// Docker's client, for the daemon that the clusters are in.
fn client() -> Command {
    let mut client = Command::new("docker");
    client.env("DOCKER_HOST", seatrial_e2e::docker::host());
    client
}

/// Runs Docker's client and returns what it prints.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = client().args(arguments).output().expect("Docker's client");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {}: {error}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An image without a file in it, made for an architecture. It is removed with the guard.
pub(crate) fn empty_image(name: &str, architecture: &str) -> Image {
    // What `docker save` writes: a layer, the image's configuration, and a list of both.
    let layer = tar::Builder::new(Vec::new()).into_inner().expect("an archive in memory");
    let digest = Sha256::digest(&layer).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/sbin/init"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
    });
    let list = json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
    let mut archive = tar::Builder::new(Vec::new());
    let files = [
        ("layer.tar", layer),
        ("config.json", config.to_string().into()),
        ("manifest.json", list.to_string().into()),
    ];
    for (file, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, file, content.as_slice()).expect("an archive in memory");
    }
    let mut child = client()
        .args(["load", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("Docker's client");
    let archive = archive.into_inner().expect("an archive in memory");
    child.stdin.take().expect("its input was asked for").write_all(&archive).expect("Docker reads it");
    assert!(child.wait().expect("a child of ours").success(), "docker load {name}");
    Image(name.to_owned())
}

/// An image whose containers run nothing but a script, made of one that has a shell. It is removed with the guard.
#[track_caller]
pub(crate) fn changed_image(name: &str, base: &str, script: &str) -> Image {
    let mut build = client();
    build.args(["build", "--quiet", "--tag", name, "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = build.spawn().expect("Docker's client");
    let entrypoint = json!(["/bin/sh", "-c", script]);
    let file = format!("FROM {base}\nENTRYPOINT {entrypoint}\n");
    let mut pipe = child.stdin.take().expect("its input was asked for");
    pipe.write_all(file.as_bytes()).expect("Docker reads it");
    drop(pipe);
    assert!(child.wait().expect("a child of ours").success(), "docker build {name}");
    Image(name.to_owned())
}

/// This machine's architecture as images name it.
pub(crate) fn own_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

/// An image that goes with the test.
pub(crate) struct Image(pub(crate) String);

impl Drop for Image {
    fn drop(&mut self) {
        let _ = client().args(["rmi", "--force", &self.0]).stdout(Stdio::null()).status();
    }
}

/// Everything that is left of a cluster: containers, networks, files.
pub(crate) fn left_of(home: &Home, cluster: &str) -> Vec<String> {
    let mut left = Vec::new();
    let containers = docker(&["ps", "--all", "--quiet", "--filter", &format!("label={CLUSTER}={cluster}")]);
    left.extend(containers.lines().map(|id| format!("container {id}")));
    let networks = docker(&["network", "ls", "--quiet", "--filter", &format!("name=^{cluster}$")]);
    left.extend(networks.lines().map(|id| format!("network {id}")));
    left.extend(files(home).into_iter().filter(|file| file.contains(cluster)));
    left
}

/// The names of the files and folders in a home.
pub(crate) fn files(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.path()).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A name that no other test has.
pub(crate) fn unique(stem: &str) -> String {
    format!("seatrial-{stem}-{}", std::process::id())
}
