//! The operator's program against an API server on a socket: it reads a kubeconfig, reconciles, and ends when asked to.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::runtime::wait::{await_condition, conditions};
use kube::{Api, Client};
use rustix::process::{Pid, Signal, kill_process};
use seatrial_fakeclient::FakeCluster;
use seatrial_operator::{Machine, api::MachineSpec};

/// More than it ever takes; who waits that long has found a defect.
const LIMIT: Duration = Duration::from_secs(60);

struct Running(Child);

impl Drop for Running {
    /// A test that fails leaves no operator behind; of one that has ended there is nothing to kill.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn define(client: &Client) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in seatrial_operator::crds() {
        definitions.create(&PostParams::default(), &definition).await.unwrap();
        let name = definition.metadata.name.unwrap();
        let established = await_condition(definitions.clone(), &name, conditions::is_crd_established());
        tokio::time::timeout(LIMIT, established).await.expect("it is established").unwrap();
    }
}

fn ready(machine: Option<&Machine>) -> bool {
    let conditions = machine.and_then(|machine| machine.status.as_ref()).map(|status| &status.conditions);
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_brings_a_machine_up_through_a_kubeconfig_and_ends_on_sigterm() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let client = cluster.client();
    define(&client).await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();

    let mut operator = Command::new(env!("CARGO_BIN_EXE_seatrial-operator"));
    operator.args(["run", "--machine-boot=0", "--kubeconfig"]).arg(&kubeconfig);
    let operator = operator.env_remove("KUBECONFIG").stdin(Stdio::null()).spawn().unwrap();
    let mut operator = Running(operator);

    let machines: Api<Machine> = Api::namespaced(client, "default");
    let spec = MachineSpec { cluster_name: "blue".into(), version: "1.37.2".into() };
    machines.create(&PostParams::default(), &Machine::new("m", spec)).await.unwrap();
    let comes_up = await_condition(machines, "m", ready);
    tokio::time::timeout(LIMIT, comes_up).await.expect("the machine comes up").unwrap();

    kill_process(Pid::from_child(&operator.0), Signal::TERM).unwrap();
    let ended = tokio::task::spawn_blocking(move || operator.0.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");
    serving.stop().await;
}
