//! End-to-end test of the operator's binary against the fake API server on a socket.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client};
use rustix::process::{Pid, Signal, kill_process};
use seatrial_fakeclient::FakeCluster;
use seatrial_operator::{Machine, api::MachineSpec};

/// Longer than any of the waits takes.
const TIMEOUT: Duration = Duration::from_secs(60);

struct OperatorProcess(Child);

impl Drop for OperatorProcess {
    /// Errors are ignored: the process has ended unless the test failed.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn install_crds(client: &Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in seatrial_operator::crds() {
        definitions.create(&PostParams::default(), &definition).await.unwrap();
        let name = definition.metadata.name.unwrap();
        let established = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(TIMEOUT, established).await.expect("it is established").unwrap();
    }
}

fn is_ready(machine: Option<&Machine>) -> bool {
    let conditions = machine.and_then(|machine| machine.status.as_ref()).map(|status| &status.conditions);
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_binary_reconciles_a_machine_and_stops_on_sigterm() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let client = cluster.client();
    install_crds(&client).await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();

    let mut operator = Command::new(env!("CARGO_BIN_EXE_seatrial-operator"));
    operator.args(["run", "--machine-boot=0", "--kubeconfig"]).arg(&kubeconfig);
    let operator = operator.env_remove("KUBECONFIG").stdin(Stdio::null()).spawn().unwrap();
    let mut operator = OperatorProcess(operator);

    let machines: Api<Machine> = Api::namespaced(client, "default");
    let spec = MachineSpec { cluster_name: "blue".into(), version: "1.37.2".into() };
    machines.create(&PostParams::default(), &Machine::new("m", spec)).await.unwrap();
    let becomes_ready = await_condition(machines, "m", is_ready);
    tokio::time::timeout(TIMEOUT, becomes_ready).await.expect("the machine becomes ready").unwrap();

    kill_process(Pid::from_child(&operator.0), Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || operator.0.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");
    serving.stop().await;
}
