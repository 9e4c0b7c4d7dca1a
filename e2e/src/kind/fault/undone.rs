//! Tests that faults are undone however a spec ends, on a node of a scripted Docker daemon.
//!
//! The daemon is told what a real one would do; the recovery of a real node is tested on real nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Node as ApiNode};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use seatrial_fakeclient::{Clock, FakeCluster};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::cluster::{Cluster, Timings};
use super::super::home::Home;
use super::super::spec::KindExt as _;
use crate::artefacts::EvidenceSources;
use crate::context::Cx;
use crate::docker::scripted::{Scripted, scripted, version};
use crate::failure::{Failure, SpecResult};
use crate::interrupt::Interrupt;
use crate::matchers::equal;
use crate::need::Need;
use crate::signal::Signal;
use crate::span::{mins, secs};
use crate::spec::{Suite, endings_of, run_on};
use crate::tier::{Connection, Tier, TierError};
use crate::type_map::TypeMap;

const CLUSTER: &str = "seatrial-scripted";

/// A cluster of one node, whose container and whose API stand in for real ones.
struct OneNode {
    api: FakeCluster,
    docker: Scripted,
    home: Home,
    condition: Arc<Mutex<&'static str>>,
    _folder: TempDir,
}

impl OneNode {
    fn new(api: FakeCluster, kubeconfig: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        std::fs::create_dir_all(home.folder(CLUSTER)).unwrap();
        std::fs::write(home.kubeconfig(CLUSTER), kubeconfig).unwrap();
        let condition = Arc::new(Mutex::new("running"));
        let of_the_daemon = Arc::clone(&condition);
        let docker = scripted(move |request| answer(request, &mut of_the_daemon.lock().unwrap()));
        Self { api, docker, home, condition, _folder: folder }
    }

    fn condition(&self) -> &'static str {
        *self.condition.lock().unwrap()
    }

    async fn open(&self) -> Connection {
        let kind = Cluster {
            docker: self.docker.connect().await,
            home: self.home.clone(),
            name: CLUSTER.to_owned(),
            pods: String::new(),
            addresses: BTreeMap::new(),
            lease: None,
            timings: Timings::default(),
        };
        let mut extensions = TypeMap::default();
        extensions.insert(kind);
        Connection {
            client: self.api.client(),
            clock: Clock::system(),
            shared: true,
            sources: EvidenceSources::default(),
            extensions,
        }
    }
}

fn answer(request: &str, condition: &mut &'static str) -> (u16, Value) {
    let becomes = |condition: &mut &'static str, other| {
        *condition = other;
        (204, Value::Null)
    };
    match request.rsplit('/').next().unwrap_or_default() {
        "version" => version("1.41"),
        list if list.starts_with("json") && !request.contains("-worker/") => {
            let labels = json!({"io.x-k8s.kind.cluster": CLUSTER, "io.x-k8s.kind.role": "worker"});
            (200, json!([{"Id": "1", "Names": [format!("/{CLUSTER}-worker")], "Labels": labels}]))
        }
        state if state.starts_with("json") => {
            let state = json!({"Running": *condition != "exited", "Paused": *condition == "paused"});
            (200, json!({"Id": "1", "State": state}))
        }
        "pause" => becomes(condition, "paused"),
        "unpause" | "start" => becomes(condition, "running"),
        kill if kill.starts_with("kill") => becomes(condition, "exited"),
        other => panic!("nobody has a script for {other:?} of {request:?}"),
    }
}

impl Tier for OneNode {
    fn name(&self) -> &'static str {
        "kind"
    }

    fn has(&self, need: Need) -> bool {
        need == Need::Controllers
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), TierError> {
        Ok(())
    }

    fn prepare(&self, _: &Interrupt) -> Result<(), TierError> {
        Ok(())
    }

    fn connect(&self, _: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>> {
        self.open().map(Ok).boxed_local()
    }

    fn stop(&self) {}
}

/// A node that says of itself, for all time to come, that it is well.
async fn says_that_it_is_well(cluster: &FakeCluster) {
    let (client, name) = (cluster.client(), format!("{CLUSTER}-worker"));
    let create = PostParams::default();
    let nodes: Api<ApiNode> = Api::all(client.clone());
    let node = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    nodes.create(&create, &node).await.unwrap();
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    nodes.patch_status(&name, &PatchParams::default(), &Patch::Merge(ready)).await.unwrap();
    let space = serde_json::from_value(json!({"metadata": {"name": "kube-node-lease"}})).unwrap();
    // Some servers have it from the beginning.
    drop(Api::<Namespace>::all(client.clone()).create(&create, &space).await);
    let lease = json!({"metadata": {"name": name}, "spec": {
        "holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": "2100-01-01T00:00:00.000000Z",
    }});
    let leases: Api<Lease> = Api::namespaced(client, "kube-node-lease");
    leases.create(&create, &serde_json::from_value(lease).unwrap()).await.unwrap();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpecEnd {
    Passes,
    Fails,
    Panics,
    Hangs,
    IsInterrupted,
}

async fn ends(cx: &Cx, how: SpecEnd, interrupt: &Interrupt) -> SpecResult {
    match how {
        SpecEnd::Passes => cx.expect(1).to(equal(1)),
        SpecEnd::Fails => Err(Failure::new("the mast broke")),
        SpecEnd::Panics => panic!("the mast broke"),
        SpecEnd::Hangs => std::future::pending().await,
        SpecEnd::IsInterrupted => {
            interrupt.request(Signal::Terminate);
            std::future::pending().await
        }
    }
}

/// Two specs; each leaves the node broken.
fn suite(how: SpecEnd, interrupt: &Arc<Interrupt>) -> Suite {
    let mut suite = Suite::new();
    let interrupt = Arc::clone(interrupt);
    suite.describe("Node", |s| {
        for fault in ["paused", "without power"] {
            let interrupt = Arc::clone(&interrupt);
            s.it(fault, async move |cx: &mut Cx| {
                let worker = cx.kind()?.node("worker").await?;
                if fault == "paused" {
                    worker.pause().await?;
                } else {
                    worker.kill().await?;
                }
                ends(cx, how, &interrupt).await
            });
        }
    });
    suite
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_undone_however_its_spec_ends() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    says_that_it_is_well(&cluster).await;
    let node = Arc::new(OneNode::new(cluster, serving.kubeconfig()));
    for (how, begin) in [
        (SpecEnd::Passes, ""),
        (SpecEnd::Fails, "the mast broke\n"),
        (SpecEnd::Panics, "panicked: the mast broke\n"),
        (SpecEnd::Hangs, "did not finish within 5s;"),
        (SpecEnd::IsInterrupted, "interrupted: the run was ended by SIGTERM;"),
    ] {
        let (tier, interrupt) = (Arc::clone(&node), Arc::<Interrupt>::default());
        let before = node.docker.asked().len();
        // Long enough for the faults, which take a moment, and only waited for where that is the ending.
        let limit = if how == SpecEnd::Hangs { secs(5) } else { mins(2) };
        let work = move || endings_of(&suite(how, &interrupt), run_on(tier, (limit, mins(5)), &interrupt));
        let endings = tokio::task::spawn_blocking(work).await.unwrap();
        // One that was left out is told of at once.
        let ending = endings.iter().find(|ending| ending.left_out.is_none()).unwrap();
        let story = ending.story();
        assert!(
            story.starts_with(begin) && ending.failures.len() == usize::from(!begin.is_empty()),
            "{story}"
        );
        let asked = node.docker.asked().split_off(before);
        let told = |what: &str| asked.iter().any(|request| request.contains(what));
        assert!(told("/pause") && told("/unpause"), "{how:?}: {asked:?}");
        // Of an interrupted run the second spec is not begun.
        let both = how != SpecEnd::IsInterrupted;
        assert_eq!((told("/kill"), told("/start")), (both, both), "{how:?}: {asked:?}");
        assert_eq!(node.condition(), "running", "{how:?}: {asked:?}");
    }
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spec_fault_on_a_faulty_node_is_undone_at_the_spec_s_end() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    says_that_it_is_well(&cluster).await;
    let node = Arc::new(OneNode::new(cluster, serving.kubeconfig()));
    let mut suite = Suite::new();
    suite.describe("Node", |s| {
        s.before_all(async |cx: &mut Cx| {
            // Undone at the group's end: nobody here undoes it.
            cx.kind()?.node("worker").await?.pause().await?;
            Ok(())
        });
        s.ordered();
        s.it("loses its power", async |cx: &mut Cx| {
            cx.kind()?.node("worker").await?.kill().await?;
            cx.expect(1).to(equal(1))
        });
        let seen = Arc::clone(&node);
        s.it("goes on", async move |cx: &mut Cx| cx.expect(seen.condition()).to(equal("running")));
    });
    let (tier, interrupt) = (Arc::clone(&node), Arc::<Interrupt>::default());
    let work = move || endings_of(&suite, run_on(tier, (mins(2), mins(5)), &interrupt));
    let endings = tokio::task::spawn_blocking(work).await.unwrap();
    for ending in endings {
        assert!(ending.failures.is_empty() && ending.left_out.is_none(), "{}", ending.story());
    }
    serving.stop().await;
}
