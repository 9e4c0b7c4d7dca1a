//! The fake through `kube::Client`, on one thread.

use std::convert::Infallible;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use http::{Request, Response};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
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
        Row::new("FakeCluster::new()", new).under(if cfg!(debug_assertions) { 1000.0 } else { 40.0 }),
        Row::new("FakeCluster::new(), first in a process", first_of_processes()?),
    ];
    operations(&mut rows).await?;
    list(&mut rows).await?;
    watches(&mut rows).await?;
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

/// The cost of each operation for the client alone: the same call, answered by the bytes of a Pod.
struct Floors {
    get: f64,
    create: f64,
    update: f64,
    merge: f64,
}

impl Floors {
    async fn measure(bytes: String, rows: &mut Vec<Row>) -> Result<Self> {
        let pods: Api<Pod> = Api::default_namespaced(canned(bytes));
        let params = PostParams::default();
        let stored = pods.get("stored-0").await?;
        let new = pod("stored-0-new", 0);
        let patch = Patch::Merge(json!({"metadata": {"labels": {"run": "p0"}}}));
        let patching = PatchParams::default();
        let floors = Self {
            get: median(RUNS, async || timed(pods.get("stored-0")).await).await,
            create: median(RUNS, async || timed(pods.create(&params, &new)).await).await,
            update: median(RUNS, async || timed(pods.replace("stored-0", &params, &stored)).await).await,
            merge: median(RUNS, async || timed(pods.patch("stored-0", &patching, &patch)).await).await,
        };
        for (what, floor) in [
            (GET_FLOOR, floors.get),
            (CREATE_FLOOR, floors.create),
            (UPDATE_FLOOR, floors.update),
            (MERGE_FLOOR, floors.merge),
        ] {
            rows.push(Row::new(what, floor));
        }
        Ok(floors)
    }
}

const GET_FLOOR: &str = "get of a Pod from canned bytes (the client's own cost)";
const CREATE_FLOOR: &str = "create of a Pod over canned bytes";
const UPDATE_FLOOR: &str = "update of a Pod over canned bytes";
const MERGE_FLOOR: &str = "merge patch of a Pod over canned bytes";

/// The most that a read and a write may take of the same call over canned bytes.
const READ_TARGET: f64 = 2.0;
const WRITE_TARGET: f64 = if cfg!(debug_assertions) { 4.0 } else { 8.0 };

/// Each operation with few and with many Pods stored, and over canned bytes.
async fn operations(rows: &mut Vec<Row>) -> Result<()> {
    let mut both = [StoredPods::new(1_000).await?, StoredPods::new(100_000).await?];
    let bytes = text(both[0].pods.clone().into_client(), "/api/v1/namespaces/default/pods/stored-0").await?;
    let floors = Floors::measure(bytes, rows).await?;
    let params = PostParams::default();
    let create = medians(RUNS, &mut both, async |to, run| {
        let pod = pod(&format!("{}-new", to.name(run)), 0);
        timed(async { to.pods.create(&params, &pod).await.expect("the name is free") }).await
    });
    report(rows, "create of a Pod", &create.await, (CREATE_FLOOR, floors.create, WRITE_TARGET));
    let get = medians(RUNS, &mut both, async |from, run| {
        let name = from.name(run);
        timed(async { from.pods.get(&name).await.expect("the Pod is stored") }).await
    });
    report(rows, "get of a Pod", &get.await, (GET_FLOOR, floors.get, READ_TARGET));
    let update = medians(RUNS, &mut both, async |at, run| {
        let mut pod = at.pods.get(&at.name(run)).await.expect("the Pod is stored");
        pod.metadata.labels.get_or_insert_default().insert("run".to_owned(), run.to_string());
        let name = at.name(run);
        timed(async { at.pods.replace(&name, &params, &pod).await.expect("nobody else writes") }).await
    });
    report(rows, "update of a Pod", &update.await, (UPDATE_FLOOR, floors.update, WRITE_TARGET));
    let merge = medians(RUNS, &mut both, async |at, run| {
        let (name, params) = (at.name(run), PatchParams::default());
        let patch = Patch::Merge(json!({"metadata": {"labels": {"run": format!("p{run}")}}}));
        timed(async { at.pods.patch(&name, &params, &patch).await.expect("the Pod is stored") }).await
    });
    report(rows, "merge patch of a Pod", &merge.await, (MERGE_FLOOR, floors.merge, WRITE_TARGET));
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

/// The rows of one operation, with few and with many stored. `floor` is the row of the same call over canned bytes, its
/// time, and the most that the operation may take of it.
fn report(rows: &mut Vec<Row>, what: &str, times: &[f64], floor: (&str, f64, f64)) {
    let (few, many) = (times[0], times[1]);
    let (floor, base, target) = floor;
    let name = format!("{what}, 1,000 stored");
    rows.push(Row::new(&name, few).against(floor, base, Some(target)));
    rows.push(Row::new(format!("{what}, 100,000 stored"), many).against(&name, few, Some(1.5)));
}

/// Watchers of one resource.
const WATCHERS: usize = 1_000;
/// Changes that each watcher sees.
const CHANGES: usize = 20;

/// The time until 1,000 watchers have seen 20 changes, beside the time that the same frames take from canned streams.
async fn watches(rows: &mut Vec<Row>) -> Result<()> {
    eprintln!("starting {WATCHERS} watches");
    let pods: Api<Pod> = Api::default_namespaced(FakeCluster::new().client());
    let created = pods.create(&PostParams::default(), &pod("watched", 0)).await?;
    let revision = created.metadata.resource_version.context("a stored Pod has a resourceVersion")?;
    let watch_path = format!("/api/v1/namespaces/default/pods?watch=1&resourceVersion={revision}");
    let raw = pods.clone().into_client().send(Request::get(&watch_path).body(Body::empty())?).await?;
    let mut watchers = watch_all(&pods, &revision).await?;
    for change in 0..CHANGES {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"run": change.to_string()}}}));
        pods.patch("watched", &PatchParams::default(), &patch).await?;
    }
    let fake = read_all(&mut watchers).await?;
    let frames: Vec<bytes::Bytes> = read_frames(raw.into_body()).await?;

    let answer = move |_: Request<Body>| {
        let frames =
            frames.clone().into_iter().map(|frame| Ok::<_, Infallible>(http_body::Frame::data(frame)));
        let body = http_body_util::StreamBody::new(stream::iter(frames));
        async move { Ok::<_, Infallible>(Response::new(body)) }
    };
    let canned: Api<Pod> = Api::default_namespaced(Client::new(tower::service_fn(answer), "default"));
    let floor = read_all(&mut watch_all(&canned, &revision).await?).await?;
    let name = "20 frames read by each of 1,000 watchers of canned streams";
    rows.push(Row::new(name, floor));
    let row = Row::new("20 changes read by each of 1,000 watchers", fake);
    rows.push(row.against(name, floor, Some(READ_TARGET)));
    Ok(())
}

type Watcher = BoxStream<'static, kube::Result<WatchEvent<Pod>>>;

async fn watch_all(pods: &Api<Pod>, revision: &str) -> Result<Vec<Watcher>> {
    let mut watchers = Vec::with_capacity(WATCHERS);
    for _ in 0..WATCHERS {
        watchers.push(pods.watch(&WatchParams::default(), revision).await?.boxed());
    }
    Ok(watchers)
}

/// The microseconds until every watcher has read every change.
async fn read_all(watchers: &mut [Watcher]) -> Result<f64> {
    let start = Instant::now();
    for watcher in watchers {
        for _ in 0..CHANGES {
            watcher.try_next().await?.context("the stream ended")?;
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

async fn read_frames(mut body: Body) -> Result<Vec<bytes::Bytes>> {
    let mut frames = Vec::with_capacity(CHANGES);
    while frames.len() < CHANGES {
        let frame = body.frame().await.context("the stream ended")?;
        frames.extend(frame.map_err(|error| anyhow::anyhow!("{error}"))?.into_data());
    }
    Ok(frames)
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
    rows.push(row.against(name, times[0], Some(READ_TARGET)));
    Ok(())
}
