//! A controller in virtual time: it comes back every ten minutes, and an hour passes at once.
//!
//! Run it with `cargo run -p seatrial-fakeclient --example virtual_time`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use seatrial_fakeclient::{Clock, FakeCluster};
use serde_json::json;

/// The code under test: a reconciler that counts its visits.
async fn reconcile(_: Arc<ConfigMap>, visits: Arc<AtomicU32>) -> Result<Action, kube::Error> {
    visits.fetch_add(1, Ordering::Relaxed);
    Ok(Action::requeue(Duration::from_secs(600)))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), kube::Error> {
    let epoch = "2026-01-01T00:00:00Z".parse().expect("a time");
    let cluster = FakeCluster::builder().clock(Clock::tokio(epoch)).build().expect("an empty cluster");
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "counter"}})).expect("a map");
    maps.create(&PostParams::default(), &map).await?;

    let visits = Arc::new(AtomicU32::new(0));
    let controller = Controller::new(maps, watcher::Config::default().fields("metadata.name=counter"))
        .run(reconcile, |_, _, _| Action::await_change(), Arc::clone(&visits))
        .for_each(|_| std::future::ready(()));
    // Nobody waits: tokio moves its paused clock to the next timer as soon as nothing can run.
    let ended = tokio::time::timeout(Duration::from_secs(3_599), controller).await;

    assert!(ended.is_err(), "a controller runs until it is stopped");
    assert_eq!(visits.load(Ordering::Relaxed), 6);
    println!("6 visits; it is {} in the cluster", cluster.clock().now());
    Ok(())
}

#[test]
fn example_runs() {
    main().unwrap();
}
