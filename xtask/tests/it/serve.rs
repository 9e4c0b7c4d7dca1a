//! `cargo xtask serve` as people run it: it answers, it says where, and it leaves nothing when it is asked to end.

use std::io::{BufRead, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rustix::process::{Pid, Signal, kill_process};

use crate::hang_up;

fn serve(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("serve").arg("--kubeconfig").arg(kubeconfig).args(arguments).stdin(Stdio::null());
    command
}

/// A server that has said that it serves.
struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Served {
    #[track_caller]
    fn start(kubeconfig: &Path, arguments: &[&str]) -> Self {
        hang_up::ends_children();
        let mut child = serve(kubeconfig, arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.starts_with("serving on https://127.0.0.1:"), "{line:?}");
        Self { child, lines }
    }

    /// Sends a signal and returns whether it ended well, and the last line that it printed.
    fn end(mut self, signal: Signal) -> (bool, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let last = self.lines.by_ref().lines().map_while(Result::ok).last().unwrap_or_default();
        (self.child.wait().unwrap().success(), last)
    }
}

impl Drop for Served {
    /// A test that fails leaves no server behind; of one that has ended there is nothing to kill.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[tokio::test]
async fn a_client_with_its_kubeconfig_finds_the_objects_that_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let (kubeconfig, objects) = (folder.path().join("k.yaml"), folder.path().join("objects.yaml"));
    let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: given, namespace: default}, data: {a: b}}";
    std::fs::write(&objects, text).unwrap();
    let served = Served::start(&kubeconfig, &["--objects", objects.to_str().unwrap()]);
    let maps: Api<ConfigMap> = Api::namespaced(client(&kubeconfig).await, "default");
    assert_eq!(maps.get("given").await.unwrap().data.unwrap()["a"], "b");
    assert_eq!(served.end(Signal::TERM), (true, "stopped".to_owned()));
}

#[test]
fn a_signal_ends_it_well_and_takes_the_kubeconfig_along() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("k.yaml");
        let served = Served::start(&kubeconfig, &[]);
        assert!(kubeconfig.exists(), "it is written before the first line is");
        assert_eq!(served.end(signal), (true, "stopped".to_owned()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_no_kubeconfig_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("k.yaml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let Output { status, stderr, .. } = serve(&kubeconfig, &["--port", &port]).output().unwrap();
    let told = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && told.contains(&format!("127.0.0.1:{port}")), "{told}");
    assert!(!kubeconfig.exists());
}
