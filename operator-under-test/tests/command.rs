//! Tests of the operator's command line that need no cluster.

use std::{
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use rustix::process::{Pid, Signal, kill_process};
use seatrial_operator::Bundle;
use tempfile::TempDir;

fn operator(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seatrial-operator"));
    command.args(arguments).env_remove("KUBECONFIG").stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } = operator(arguments).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn crds_prints_yaml_documents() {
    let (success, yaml, _) = output(&["crds"]);
    let documents: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&yaml).unwrap();
    assert!(success);
    assert_eq!(documents, seatrial_operator::crds());
}

#[test]
fn bundle_prints_the_objects_of_the_library_in_order() {
    let arguments =
        ["bundle", "--image", "operator:1", "--namespace", "ops", "--watch", "fleet", "--", "--log=debug"];
    let (success, yaml, _) = output(&arguments);
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&yaml).unwrap();
    assert!(success);
    let bundle = Bundle {
        namespace: "ops".into(),
        watch_namespace: Some("fleet".into()),
        arguments: vec!["--log=debug".into()],
        ..Bundle::new("operator:1")
    };
    assert_eq!(documents, bundle.objects());
}

#[test]
fn bundle_requires_an_image() {
    check_failure(&["bundle"], &["--image <IMAGE>\n"]);
}

#[test]
fn an_address_in_use_is_named_with_the_next_step() {
    let server = UnresponsiveServer::new();
    let taken = server.listener.local_addr().unwrap().to_string();
    let kubeconfig = server.kubeconfig.to_str().unwrap();
    let listening = format!("failed to listen for questions about its health on {taken}");
    check_failure(
        &["run", "--kubeconfig", kubeconfig, "--health-address", &taken],
        &[&listening, "choose an address that is free", "Address already in use"],
    );
}

#[test]
fn help_shows_examples() {
    for arguments in [&["--help"][..], &["run", "--help"], &["crds", "--help"], &["bundle", "--help"]] {
        let (success, text, _) = output(arguments);
        assert!(
            success && text.contains("seatrial-operator crds | kubectl apply -f -"),
            "{arguments:?}: {text}"
        );
    }
}

#[track_caller]
fn check_failure(arguments: &[&str], parts: &[&str]) {
    let (success, _, text) = output(arguments);
    assert!(!success, "{arguments:?} succeeded");
    for part in parts {
        assert_eq!(text.matches(part).count(), 1, "{part:?} once in: {text}");
    }
}

#[test]
fn a_missing_kubeconfig_is_named_with_the_cause_and_the_next_step() {
    check_failure(
        &["run", "--kubeconfig", "no/such/file"],
        &["failed to read the kubeconfig no/such/file", "No such file or directory", "kubectl config view"],
    );
}

#[test]
fn a_missing_context_is_named() {
    let server = UnresponsiveServer::new();
    let kubeconfig = server.kubeconfig.to_str().unwrap();
    check_failure(&["run", "--kubeconfig", kubeconfig, "--context", "elsewhere"], &["elsewhere"]);
}

#[test]
fn an_invalid_log_filter_is_rejected() {
    check_failure(&["run", "--log", "operator=loud"], &["--log \"operator=loud\""]);
}

#[test]
fn sigterm_and_sigint_stop_it_while_the_server_does_not_respond() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = UnresponsiveServer::new();
        let mut child = operator(&["run", "--kubeconfig", server.kubeconfig.to_str().unwrap()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It connects after it has installed its signal handlers.
        let connection = server.listener.accept().unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        drop(connection);
        assert!(status.success(), "{signal:?}: {status}, {}", stderr(&mut child));
    }
}

fn stderr(child: &mut Child) -> String {
    let mut text = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// A server that accepts connections and never responds, and a kubeconfig for it.
struct UnresponsiveServer {
    listener: TcpListener,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

impl UnresponsiveServer {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let server = format!("http://{}", listener.local_addr().unwrap());
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: here,
              clusters: [{{name: here, cluster: {{server: \"{server}\"}}}}],
              contexts: [{{name: here, context: {{cluster: here, user: \"\"}}}}]}}"
        );
        std::fs::write(&kubeconfig, text).unwrap();
        Self { listener, kubeconfig, _folder: folder }
    }
}
