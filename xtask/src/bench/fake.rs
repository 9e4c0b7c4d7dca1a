//! The fake through `kube::Client`, on one thread.

use std::convert::Infallible;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::{Request, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::client::{Body, Client};
use seatrial_fakeclient::FakeCluster;
use serde_json::json;

use super::Row;
use super::stopwatch::{median, median_of, medians, timed};

const RUNS: usize = 400;
const LIST_RUNS: usize = 20;
const PROCESS_RUNS: usize = 9;

/// Stored Pods and their API.
struct StoredPods {
    pods: Api<Pod>,
    count: usize,
}

/// The rows, measured on a current-thread runtime of their own.
pub(super) async fn rows() -> Result<Vec<Row>> {
    let work = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(measure())
    });
    work.await?
}

/// The duration of the first `FakeCluster::new` of this process, in microseconds.
pub(super) fn first_cluster() -> f64 {
    let start = Instant::now();
    let cluster = FakeCluster::new();
    let elapsed = start.elapsed();
    drop(cluster);
    elapsed.as_secs_f64() * 1e6
}

async fn measure() -> Result<Vec<Row>> {
    let new = median(RUNS, async || timed(async { FakeCluster::new() }).await).await;
    let mut rows = vec![
        Row::new("FakeCluster::new()", new).under(1000.0),
        Row::new("FakeCluster::new(), first in a process", first_of_processes()?),
    ];
    operations(&mut rows).await?;
    list(&mut rows).await?;
    Ok(rows)
}

fn first_of_processes() -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..PROCESS_RUNS {
        let output = Command::new(std::env::current_exe()?).args(["bench", "--first"]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let microseconds: f64 = text.trim().parse().with_context(|| format!("failed to read {text:?}"))?;
        times.push(Duration::from_secs_f64(microseconds / 1e6));
    }
    Ok(median_of(times))
}

fn pod(name: &str, group: usize) -> Pod {
    let pod = json!({
        "metadata": {"name": name, "labels": {"app": "bench", "group": format!("g{group}")}},
        "spec": {"containers": [{
            "name": "main", "image": "registry.example/bench:1", "ports": [{"containerPort": 8080}],
            "env": [{"name": "A", "value": "b"}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        }]},
    });
    serde_json::from_value(pod).expect("a Pod")
}

impl StoredPods {
    async fn new(count: usize) -> Result<Self> {
        eprintln!("storing {count} Pods");
        let pods = Api::default_namespaced(FakeCluster::new().client());
        let params = PostParams::default();
        for number in 0..count {
            pods.create(&params, &pod(&format!("stored-{number}"), number % 10)).await?;
        }
        Ok(Self { pods, count })
    }

    /// A stored Pod, another one in each run and far from that of the run before.
    fn name(&self, run: usize) -> String {
        format!("stored-{}", run * STEP % self.count)
    }
}

/// A client of a server that has nothing to do: the limit for every fake behind it.
fn canned(body: String) -> Client {
    let body = bytes::Bytes::from(body);
    let answer = move |_: Request<Body>| {
        let body = Body::from(body.clone());
        async move { Ok::<_, Infallible>(Response::new(body)) }
    };
    Client::new(tower::service_fn(answer), "default")
}

async fn text(client: Client, path: &str) -> Result<String> {
    Ok(client.request_text(Request::get(path).body(Vec::new())?).await?)
}

/// Each operation with few and with many Pods stored, and a get with none at all.
async fn operations(rows: &mut Vec<Row>) -> Result<()> {
    let mut both = [StoredPods::new(1_000).await?, StoredPods::new(100_000).await?];
    let bytes = text(both[0].pods.clone().into_client(), "/api/v1/namespaces/default/pods/stored-0").await?;
    let pods: Api<Pod> = Api::default_namespaced(canned(bytes));
    let floor = median(RUNS, async || timed(pods.get("stored-0")).await).await;
    let canned = "get of a Pod from canned bytes (the client's own cost)";
    rows.push(Row::new(canned, floor));
    let params = PostParams::default();
    let create = medians(RUNS, &mut both, async |to, run| {
        let pod = pod(&format!("{}-new", to.name(run)), 0);
        timed(async { to.pods.create(&params, &pod).await.expect("the name is free") }).await
    });
    report(rows, "create of a Pod", &create.await, None);
    let get = medians(RUNS, &mut both, async |from, run| {
        let name = from.name(run);
        timed(async { from.pods.get(&name).await.expect("the Pod is stored") }).await
    });
    report(rows, "get of a Pod", &get.await, Some((canned, floor)));
    let update = medians(RUNS, &mut both, async |at, run| {
        let mut pod = at.pods.get(&at.name(run)).await.expect("the Pod is stored");
        pod.metadata.labels.get_or_insert_default().insert("run".to_owned(), run.to_string());
        let name = at.name(run);
        timed(async { at.pods.replace(&name, &params, &pod).await.expect("nobody else writes") }).await
    });
    report(rows, "update of a Pod", &update.await, None);
    let merge = medians(RUNS, &mut both, async |at, run| {
        let (name, params) = (at.name(run), PatchParams::default());
        let patch = Patch::Merge(json!({"metadata": {"labels": {"run": format!("p{run}")}}}));
        timed(async { at.pods.patch(&name, &params, &patch).await.expect("the Pod is stored") }).await
    });
    report(rows, "merge patch of a Pod", &merge.await, None);
    let update = rows.iter().find(|row| row.what == UPDATE).map_or(f64::NAN, |row| row.microseconds);
    let apply = medians(RUNS, &mut both, async |at, run| {
        let (name, params) = (at.name(run), PatchParams::apply("bench").force());
        let mut pod = pod(&name, run * STEP % at.count % 10);
        pod.metadata.labels.get_or_insert_default().insert("run".to_owned(), format!("a{run}"));
        // The first apply makes its manager; the one that is timed changes a label.
        let first = Patch::Apply(&pod);
        at.pods.patch(&name, &params, &first).await.expect("the Pod is stored");
        pod.metadata.labels.get_or_insert_default().insert("run".to_owned(), format!("b{run}"));
        let second = Patch::Apply(&pod);
        timed(async { at.pods.patch(&name, &params, &second).await.expect("the Pod is stored") }).await
    });
    let apply = apply.await;
    let few = Row::new("apply of a Pod that changes one label, 1,000 stored", apply[0]);
    rows.push(few.against(UPDATE, update, Some(2.0)));
    Ok(())
}

/// The row that applies are compared with.
const UPDATE: &str = "update of a Pod, 1,000 stored";

/// The distance between the numbers of the Pods of two runs.
const STEP: usize = 7919;

/// The rows of one operation, with few and with many stored.
fn report(rows: &mut Vec<Row>, what: &str, times: &[f64], floor: Option<(&str, f64)>) {
    let (few, many) = (times[0], times[1]);
    let name = format!("{what}, 1,000 stored");
    let row = Row::new(&name, few).under(100.0);
    rows.push(match floor {
        Some((floor, base)) => row.against(floor, base, None),
        None => row,
    });
    rows.push(Row::new(format!("{what}, 100,000 stored"), many).against(&name, few, Some(1.5)));
}

async fn list(rows: &mut Vec<Row>) -> Result<()> {
    let stored = StoredPods::new(10_000).await?;
    let path = "/api/v1/namespaces/default/pods?labelSelector=group%3Dg3";
    let bytes = text(stored.pods.clone().into_client(), path).await?;
    let canned: Api<Pod> = Api::default_namespaced(canned(bytes));
    let params = ListParams::default().labels("group=g3");
    let found = stored.pods.list(&params).await?.items.len();
    anyhow::ensure!(found == 1_000, "the label selects {found} Pods, not 1,000");
    let mut both = [canned, stored.pods];
    let times = medians(LIST_RUNS, &mut both, async |pods: &mut Api<Pod>, _| {
        timed(async { pods.list(&params).await.expect("a list") }).await
    });
    let times = times.await;
    let name = "list of 1,000 Pods from canned bytes";
    rows.push(Row::new(name, times[0]));
    let row = Row::new("list of 10,000 Pods by a label that 1,000 have", times[1]).under(20_000.0);
    rows.push(row.against(name, times[0], None));
    Ok(())
}
