//! A node that a spec has broken, after a run in which that spec did not pass: it is as it was before.
//!
//! The cluster outlives the runs: it is the one that this process's specs use, or one of the test's own.

use std::io::{BufRead as _, BufReader};

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use rustix::process::{Pid, Signal, kill_process};
use seatrial_e2e::kind::{Cluster, ClusterConfig, Home, create};

use crate::program::{Program, Ran, suite};
use crate::surroundings::{docker, home};

/// A cluster of two nodes, and whether it is this test's own.
struct Stage {
    cluster: Cluster,
    home: Home,
    own: Option<tempfile::TempDir>,
}

async fn stage() -> Stage {
    let named = std::env::var("SEATRIAL_KIND_CLUSTER").ok();
    if let Some(name) = named {
        let home = Home::of_this_process();
        let cluster = Cluster::open(&home, &name).await.unwrap();
        if cluster.nodes().await.unwrap().len() >= 2 {
            return Stage { cluster, home, own: None };
        }
    }
    let (folder, home) = home();
    let cluster = create(&home, &ClusterConfig::new().nodes(2), &|line| println!("{line}")).await.unwrap();
    Stage { cluster, home, own: Some(folder) }
}

impl Stage {
    fn program(&self, spec: &str) -> Program {
        let program = suite("broken").arg("--exact").arg(&format!("Raft / {spec}"));
        let program = program.env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_HOME", self.home.path());
        program.env("SEATRIAL_KIND_CLUSTER", self.cluster.name()).env("SEATRIAL_KIND_NODES", "2")
    }

    /// Runs a spec to its bad end; it has told of its faults.
    #[track_caller]
    fn run(&self, spec: &str, begin: &str, faults: &[&str]) -> Ran {
        let ran = self.program(spec).run();
        assert_eq!(ran.code, Some(101), "{}\n{}", ran.stdout, ran.stderr);
        let story = ran.story(&format!("Raft / {spec}"));
        assert!(story.starts_with(begin), "{story}");
        // Nothing else went wrong: what could not be undone would be told.
        assert!(!story.contains("clean-up"), "{story}");
        for fault in faults {
            assert!(story.contains(&format!("{}-worker: {fault}", self.cluster.name())), "{story}");
        }
        ran
    }

    /// The worker runs, is reached, is ready, and has no rule of a fault's left.
    async fn is_well(&self) {
        let worker = self.cluster.node("worker").await.unwrap();
        let state = docker(&["inspect", "--format", "{{.State.Status}}", worker.name()]);
        assert_eq!(state, "running");
        let queue = worker.exec(&["tc", "qdisc", "show", "dev", "eth0", "root"]).await.unwrap().stdout;
        assert!(!queue.contains("tbf"), "{queue}");
        let chain =
            worker.exec(&["iptables", "-w", "-t", "mangle", "-n", "-L", "SEATRIAL-CUT"]).await.unwrap();
        assert_ne!(chain.code, 0, "{}", chain.stdout);
        let open = format!("exec 3<>/dev/tcp/{}/10250", worker.address().unwrap());
        let control_plane = self.cluster.node("control-plane").await.unwrap();
        let opened = control_plane.exec(&["timeout", "30", "bash", "-c", &open]).await.unwrap();
        assert_eq!(opened.code, 0, "{opened:?}");
        let api: Api<Node> = Api::all(self.cluster.client().await.unwrap());
        let status = api.get(worker.name()).await.unwrap().status.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let ready = conditions.iter().any(|one| one.type_ == "Ready" && one.status == "True");
        assert!(ready, "{conditions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_undone_after_a_failure_a_panic_the_end_of_time_and_a_signal() {
    let stage = stage().await;
    stage.run("fails", "expected it to equal", &["on a bad network", "cut off the network", "paused"]);
    stage.is_well().await;
    stage.run("panics", "panicked: the raft sinks", &["without power"]);
    stage.is_well().await;
    stage.run("takes too long", "did not finish within 40s", &["on a bad network", "cut off the network"]);
    stage.is_well().await;

    let mut child = stage.program("is ended").start();
    let (mut told, mut broken) = (Vec::new(), String::new());
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
        if line == "told is ended: waits" {
            let worker = format!("{}-worker", stage.cluster.name());
            broken = docker(&["inspect", "--format", "{{.State.Status}}", &worker]);
            kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        }
        told.push(line);
    }
    assert_eq!((child.wait().unwrap().code(), broken.as_str()), (Some(143), "paused"), "{told:?}");
    stage.is_well().await;
    if stage.own.is_some() {
        stage.cluster.delete().await.unwrap();
    }
}
