//! Test that an in-memory cluster opens no files or sockets and starts no processes, alone in its process.

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams, WatchParams};
use seatrial_fakeclient::FakeCluster;
use serde_json::json;

/// Open file descriptors and child processes of this process (Linux only).
fn open_resources() -> Vec<PathBuf> {
    let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut open_resources: Vec<PathBuf> =
        links.filter_map(|link| std::fs::read_link(link.path()).ok()).collect();
    let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    open_resources.extend(children.split_whitespace().map(PathBuf::from));
    open_resources.sort();
    open_resources
}

#[tokio::test]
async fn cluster_opens_no_files_or_sockets_and_starts_no_processes() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let before = open_resources();
    let cluster = FakeCluster::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let mut watch = maps.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let map = serde_json::from_value(json!({"metadata": {"name": "a"}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    assert!(watch.try_next().await.unwrap().is_some());
    assert_eq!(open_resources(), before);
    let serving = cluster.serve(0).await.unwrap();
    assert_ne!(open_resources(), before, "a socket would have been seen");
    serving.stop().await;
}
