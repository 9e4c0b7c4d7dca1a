//! The TLS socket and its clients.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Request, StatusCode, Version};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use seatrial_fakeclient::{FakeCluster, ServerHandle};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

async fn client(serving: &ServerHandle) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(serving.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

#[tokio::test]
async fn socket_and_in_process_client_see_the_same_objects() {
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
async fn request_without_credentials_is_unauthorized() {
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
async fn stopped_socket_refuses_connections() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let address = serving.address();
    let maps: Api<ConfigMap> = Api::namespaced(client(&serving).await, "default");
    // An open watch must not keep the socket open.
    let _watch = maps.watch(&WatchParams::default(), "0").await.unwrap();
    serving.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn valid_token_is_accepted_and_unknown_token_is_unauthorized() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let code = async |token: &str| {
        let mut kubeconfig = Kubeconfig::from_yaml(serving.kubeconfig()).unwrap();
        let user = json!({"name": "kubernetes-admin", "user": {"token": token}});
        kubeconfig.auth_infos = vec![serde_json::from_value(user).unwrap()];
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let maps: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), "default");
        match maps.get("x").await.unwrap_err() {
            kube::Error::Api(status) => status.code,
            other => panic!("{other}"),
        }
    };
    assert_eq!(code(serving.token()).await, 404, "let in, and there is no such object");
    assert_eq!(code("guessed").await, 401);
}

/// Sends a request for `/version` with one ALPN protocol. Returns the HTTP version and status of the response.
async fn version_over(serving: &ServerHandle, offered: &str) -> (Version, StatusCode) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(serving.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![offered.as_bytes().to_vec()];
    let stream = TcpStream::connect(serving.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(offered.as_bytes()));
    let request = Request::get(format!("https://{}/version", serving.address()))
        .header("host", serving.address().to_string())
        .header("authorization", format!("Bearer {}", serving.token()))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = if offered == "h2" {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::select! {
            response = sender.send_request(request) => response.unwrap(),
            ended = connection => panic!("the connection ended first: {ended:?}"),
        }
    } else {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::select! {
            response = sender.send_request(request) => response.unwrap(),
            ended = connection => panic!("the connection ended first: {ended:?}"),
        }
    };
    (response.version(), response.status())
}

#[tokio::test]
async fn http_1_and_2_are_served() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    assert_eq!(version_over(&serving, "h2").await, (Version::HTTP_2, StatusCode::OK));
    assert_eq!(version_over(&serving, "http/1.1").await, (Version::HTTP_11, StatusCode::OK));
}

#[tokio::test]
async fn error_contains_the_port_in_use() {
    let cluster = FakeCluster::new();
    let taken = cluster.serve(0).await.unwrap();
    let port = taken.address().port();
    let error = FakeCluster::new().serve(port).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to listen on 127.0.0.1:{port}: ")), "{error}");
}
