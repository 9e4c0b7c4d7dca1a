//! Control planes from `start` to `stop`, through the public API.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, PostParams},
    config::KubeConfigOptions,
    core::{ApiResource, GroupVersionKind},
    runtime::conditions,
};
use seatrial_envtest::Environment;
use serde_json::{Value, json};

use crate::process_end;

fn api(client: kube::Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind)))
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_control_plane_serves_until_it_is_stopped() {
    let env = Environment::builder().version("1.37").start().await.unwrap();
    let client = env.client().unwrap();
    let version = client.apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "37"));
    let maps = api(client, "ConfigMap", "default");
    let created = maps
        .create(&PostParams::default(), &object(json!({"metadata": {"name": "a"}, "data": {"k": "v"}})))
        .await
        .unwrap();
    assert!(created.metadata.uid.is_some());
    let pids: Vec<u32> = env.processes().map(|(_, pid)| pid).collect();
    let logs = env.logs_dir().to_owned();
    assert_eq!(pids.len(), 2);
    assert!(logs.join("kube-apiserver.log").is_file());
    env.stop().await;
    assert!(!pids.iter().any(|pid| process_end::is_running(*pid)));
    assert!(!logs.exists(), "the working folder is removed too");
}

#[tokio::test]
async fn users_are_authenticated_by_their_certificates() {
    let env = Environment::builder().start().await.unwrap();
    let ann = env.add_user("ann", ["dev", "ops", "qa"]).unwrap();
    let review = object(json!({"metadata": {}}));
    let kind = GroupVersionKind::gvk("authentication.k8s.io", "v1", "SelfSubjectReview");
    let reviews: Api<DynamicObject> = Api::all_with(ann.client().unwrap(), &ApiResource::from_gvk(&kind));
    let review = reviews.create(&PostParams::default(), &review).await.unwrap();
    let info = &review.data["status"]["userInfo"];
    assert_eq!(info["username"], "ann");
    assert_eq!(info["groups"], json!(["dev", "ops", "qa", "system:authenticated"]));
    let forbidden =
        api(ann.client().unwrap(), "Secret", "default").list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(forbidden, kube::Error::Api(status) if status.code == 403));
    env.stop().await;
}

#[tokio::test]
async fn the_kubeconfig_works_and_has_mode_0600() {
    let env = Environment::builder().start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kubeconfig");
    env.write_kubeconfig(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let kubeconfig = kube::config::Kubeconfig::read_from(&path).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().major, "1");
}

#[tokio::test]
async fn controllers_run_on_request() {
    let env = Environment::builder()
        .controllers([
            "serviceaccount-controller",
            "root-ca-certificate-publisher-controller",
            "namespace-controller",
        ])
        .start()
        .await
        .unwrap();
    let accounts = api(env.client().unwrap(), "ServiceAccount", "default");
    let found =
        kube::runtime::wait::await_condition(accounts, "default", |object: Option<&DynamicObject>| {
            object.is_some()
        });
    tokio::time::timeout(Duration::from_secs(30), found).await.unwrap().unwrap();
    let maps = api(env.client().unwrap(), "ConfigMap", "default");
    let found =
        kube::runtime::wait::await_condition(maps, "kube-root-ca.crt", |object: Option<&DynamicObject>| {
            object.is_some_and(|object| object.data["data"]["ca.crt"] == env.ca_pem())
        });
    tokio::time::timeout(Duration::from_secs(30), found).await.unwrap().unwrap();
    env.stop().await;
}

#[tokio::test]
async fn a_namespace_is_finalized_by_its_controller() {
    let env = Environment::builder().controllers(["namespace", "garbage-collector"]).start().await.unwrap();
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"));
    let namespaces: Api<DynamicObject> = Api::all_with(env.client().unwrap(), &kind);
    let created = namespaces
        .create(&PostParams::default(), &object(json!({"metadata": {"name": "shop"}})))
        .await
        .unwrap();
    let maps = api(env.client().unwrap(), "ConfigMap", "shop");
    maps.create(&PostParams::default(), &object(json!({"metadata": {"name": "a"}}))).await.unwrap();
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    let uid = created.metadata.uid.unwrap();
    let gone = conditions::is_deleted(&uid);
    let gone = kube::runtime::wait::await_condition(namespaces, "shop", gone);
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap().unwrap();
    env.stop().await;
}

#[tokio::test]
async fn several_control_planes_run_at_once() {
    let start = || Environment::builder().version("1.37.2").start();
    let (one, other) = tokio::join!(start(), start());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.url(), other.url());
    assert_eq!(one.client().unwrap().apiserver_version().await.unwrap().git_version, "v1.37.2");
    let maps = api(one.client().unwrap(), "ConfigMap", "default");
    maps.create(&PostParams::default(), &object(json!({"metadata": {"name": "only-here"}}))).await.unwrap();
    let others = api(other.client().unwrap(), "ConfigMap", "default");
    assert!(others.get_opt("only-here").await.unwrap().is_none());
}

#[tokio::test]
async fn flags_admission_plugins_and_logs_dir_are_applied() {
    let logs = tempfile::tempdir().unwrap();
    let env = Environment::builder()
        .enable_admission_plugin("AlwaysPullImages")
        .disable_admission_plugin("Priority")
        .apiserver_arg("v", "2")
        .logs_dir(logs.path())
        .stop_timeout(Duration::from_secs(20))
        .start()
        .await
        .unwrap();
    let pods = api(env.client().unwrap(), "Pod", "default");
    let pod = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}});
    let created = pods.create(&PostParams::default(), &object(pod)).await.unwrap();
    assert_eq!(created.data["spec"]["containers"][0]["imagePullPolicy"], "Always");
    assert_eq!(created.data["spec"]["priority"], Value::Null, "the plugin Priority sets it to 0");
    env.stop().await;
    let log = fs::read_to_string(logs.path().join("kube-apiserver.log")).unwrap();
    assert!(log.contains("AlwaysPullImages"));
    assert!(log.contains("[graceful-termination]"), "it was terminated, not killed");
}

#[tokio::test]
async fn a_start_has_timings() {
    let env = Environment::builder().start().await.unwrap();
    let timings = env.timings();
    assert!(timings.controller_manager.is_none());
    assert!(timings.apiserver > Duration::ZERO && timings.etcd > Duration::ZERO);
    assert!(timings.total >= timings.apiserver + timings.etcd);
}
