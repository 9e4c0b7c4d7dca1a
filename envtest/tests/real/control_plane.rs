//! A control plane from `start` to `stop`, as a user meets it.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use kube::{
    Api,
    api::{DynamicObject, ListParams, PostParams},
    config::KubeConfigOptions,
    core::{ApiResource, GroupVersionKind},
};
use seatrial_envtest::{Environment, Error};
use serde_json::{Value, json};

fn api(client: kube::Client, kind: &str, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", kind)))
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn a_started_control_plane_answers_and_a_stopped_one_is_gone() {
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
    assert!(pids.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()));
    assert!(!logs.exists(), "the working folder goes too");
}

#[tokio::test]
async fn users_are_known_by_their_certificates() {
    let env = Environment::builder().start().await.unwrap();
    let ann = env.add_user("ann", ["dev", "ops", "qa"]).await.unwrap();
    let review = object(json!({"metadata": {}}));
    let kind = GroupVersionKind::gvk("authentication.k8s.io", "v1", "SelfSubjectReview");
    let reviews: Api<DynamicObject> = Api::all_with(ann.client().unwrap(), &ApiResource::from_gvk(&kind));
    let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
    let info = &answer.data["status"]["userInfo"];
    assert_eq!(info["username"], "ann");
    assert_eq!(info["groups"], json!(["dev", "ops", "qa", "system:authenticated"]));
    let refused =
        api(ann.client().unwrap(), "Secret", "default").list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
    env.stop().await;
}

#[tokio::test]
async fn the_kubeconfig_works_and_is_private() {
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
async fn an_unknown_flag_is_named_in_the_error() {
    let error = Environment::builder().apiserver_arg("no-such-flag", "1").start().await.unwrap_err();
    let Error::Start(failure) = error else { panic!("{error}") };
    assert_eq!(failure.process, "kube-apiserver");
    let text = failure.to_string();
    assert!(text.contains("does not know a flag") && text.contains("--no-such-flag"), "{text}");
}
