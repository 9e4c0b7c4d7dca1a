//! The socket: the same cluster for a client that knows nothing of this process.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use seatrial_fakeclient::{FakeCluster, Serving};
use serde_json::json;

async fn client(serving: &Serving) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(serving.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[tokio::test]
async fn a_client_of_the_socket_and_one_in_process_see_the_same() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    assert!(serving.address().ip().is_loopback());
    let outside: Api<ConfigMap> = Api::namespaced(client(&serving).await, "default");
    let inside: Api<ConfigMap> = Api::namespaced(cluster.client(), "default");
    let from = outside.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut watch =
        outside.watch(&WatchParams::default().labels("a=b").timeout(10), &from).await.unwrap().boxed();
    let map = serde_json::from_value(json!({"metadata": {"name": "x", "labels": {"a": "b"}}})).unwrap();
    inside.create(&PostParams::default(), &map).await.unwrap();
    assert!(
        matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Added(seen)) if seen.metadata.name.as_deref() == Some("x"))
    );
    assert!(cluster.requests().iter().any(|request| request.user == "kubernetes-admin"));
    drop(watch);
    serving.stop().await;
}

#[tokio::test]
async fn nobody_is_let_in_without_credentials() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let mut kubeconfig = Kubeconfig::from_yaml(serving.kubeconfig()).unwrap();
    kubeconfig.auth_infos.clear();
    kubeconfig.contexts[0].context.as_mut().unwrap().user = None;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), "default");
    let error = maps.get("x").await.unwrap_err();
    assert!(
        matches!(&error, kube::Error::Api(status) if status.code == 401 && status.reason == "Unauthorized")
    );
}

#[tokio::test]
async fn a_stopped_socket_takes_no_connection() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let address = serving.address();
    let maps: Api<ConfigMap> = Api::namespaced(client(&serving).await, "default");
    // An open watch must not hold the socket open.
    let _watch = maps.watch(&WatchParams::default(), "0").await.unwrap();
    serving.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
