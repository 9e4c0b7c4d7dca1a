//! Tests of `cargo xtask serve` as a child process.

use std::io::{BufRead, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rustix::process::{Pid, Signal, kill_process};

use crate::sighup;

fn serve(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("serve").arg("--kubeconfig").arg(kubeconfig).args(arguments).stdin(Stdio::null());
    command
}

/// A server that has said that it serves.
struct ServeProcess {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl ServeProcess {
    #[track_caller]
    fn start(kubeconfig: &Path, arguments: &[&str]) -> Self {
        sighup::reset_for_children();
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

impl Drop for ServeProcess {
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
async fn a_client_finds_the_objects_of_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let (kubeconfig, objects) = (folder.path().join("k.yaml"), folder.path().join("objects.yaml"));
    let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: given, namespace: default}, data: {a: b}}";
    std::fs::write(&objects, text).unwrap();
    let served = ServeProcess::start(&kubeconfig, &["--objects", objects.to_str().unwrap()]);
    let maps: Api<ConfigMap> = Api::namespaced(client(&kubeconfig).await, "default");
    assert_eq!(maps.get("given").await.unwrap().data.unwrap()["a"], "b");
    assert_eq!(served.end(Signal::TERM), (true, "stopped".to_owned()));
}

#[test]
fn a_signal_stops_it_and_removes_the_kubeconfig() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("k.yaml");
        let served = ServeProcess::start(&kubeconfig, &[]);
        assert!(kubeconfig.exists(), "it is written before the first line is");
        assert_eq!(served.end(signal), (true, "stopped".to_owned()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_port_in_use_is_named_and_no_kubeconfig_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("k.yaml");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let Output { status, stderr, .. } = serve(&kubeconfig, &["--port", &port]).output().unwrap();
    let told = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && told.contains(&format!("127.0.0.1:{port}")), "{told}");
    assert!(!kubeconfig.exists());
}
