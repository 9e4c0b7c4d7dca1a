//! The fake through `kube::Client`, on one thread as in a test.

use std::convert::Infallible;
use std::hint::black_box;

use anyhow::Result;
use http::{Request, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::client::{Body, Client};
use seatrial_fakeclient::FakeCluster;
use serde_json::json;

use super::Row;
use super::stopwatch::median;

const RUNS: usize = 400;

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

/// The rows, measured on a current-thread runtime of their own.
pub(super) async fn rows() -> Result<Vec<Row>> {
    let work = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(measure())
    });
    work.await?
}

async fn measure() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let new = median(RUNS, async |_| drop(black_box(FakeCluster::new()))).await;
    rows.push(Row::new("FakeCluster::new()", new).under(1000.0));
    let floor = canned_get().await?;
    rows.push(Row::new("get of a Pod from canned bytes (the client's own cost)", floor));
    let few = operations(1_000).await?;
    let many = operations(100_000).await?;
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        let name = format!("{what} a Pod, 1,000 stored");
        let row = Row::new(&name, few).under(100.0).against("canned get", floor, None);
        rows.push(row);
        rows.push(Row::new(format!("{what} a Pod, 100,000 stored"), many).against(&name, few, Some(1.5)));
    }
    rows.push(Row::new("list 10,000 Pods by a label that 1,000 have", list().await?).under(20_000.0));
    Ok(rows)
}

/// What the client itself takes: the limit for every fake behind it.
async fn canned_get() -> Result<f64> {
    let cluster = FakeCluster::new();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let bytes = serde_json::to_vec(&pods.create(&PostParams::default(), &pod("a", 0)).await?)?;
    let service = tower_service(bytes);
    let pods: Api<Pod> = Api::default_namespaced(Client::new(service, "default"));
    Ok(median(RUNS, async |_| drop(black_box(pods.get("a").await.expect("canned")))).await)
}

fn tower_service(
    bytes: Vec<u8>,
) -> impl tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Send + 'static
{
    tower::service_fn(move |_: Request<Body>| {
        let body = Body::from(bytes.clone());
        async move { Ok(Response::new(body)) }
    })
}

/// Each operation's median with that many Pods stored.
async fn operations(stored: usize) -> Result<Vec<(&'static str, f64)>> {
    let cluster = FakeCluster::new();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let params = PostParams::default();
    for number in 0..stored {
        pods.create(&params, &pod(&format!("stored-{number}"), number % 10)).await?;
    }
    let create = median(RUNS, async |run| {
        drop(black_box(pods.create(&params, &pod(&format!("new-{run}"), 0)).await.expect("created")));
    });
    let create = create.await;
    let get = median(RUNS, async |run| {
        drop(black_box(pods.get(&format!("new-{run}")).await.expect("there")));
    });
    let get = get.await;
    let mut current = pods.get("new-0").await?;
    let mut update = Vec::new();
    for run in 0..RUNS {
        current.metadata.labels.get_or_insert_default().insert("run".to_owned(), run.to_string());
        let start = std::time::Instant::now();
        current = pods.replace("new-0", &params, &current).await?;
        update.push(start.elapsed().as_secs_f64() * 1e6);
    }
    update.sort_by(f64::total_cmp);
    let patch = median(RUNS, async |run| {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"run": format!("p{run}")}}}));
        drop(black_box(pods.patch("new-1", &PatchParams::default(), &patch).await.expect("patched")));
    });
    let patch = patch.await;
    Ok(vec![("create", create), ("get", get), ("update", update[RUNS / 2]), ("merge patch", patch)])
}

async fn list() -> Result<f64> {
    let cluster = FakeCluster::new();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    for number in 0..10_000 {
        pods.create(&PostParams::default(), &pod(&format!("stored-{number}"), number % 10)).await?;
    }
    let params = ListParams::default().labels("group=g3");
    let found = pods.list(&params).await?.items.len();
    anyhow::ensure!(found == 1_000, "the label selects {found} Pods, not 1,000");
    Ok(median(20, async |_| drop(black_box(pods.list(&params).await.expect("listed")))).await)
}
