//! Failed starts: the error names the process, the cause and the next step.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use seatrial_envtest::{
    Environment, EnvironmentBuilder, Error, StartFailure,
    assets::{Binary, HostEnvironment, Request, resolve},
};

async fn failure(builder: EnvironmentBuilder) -> StartFailure {
    match builder.start().await {
        Err(Error::Start(failure)) => *failure,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it started"),
    }
}

#[track_caller]
fn check(failure: &StartFailure, process: &str, words: &[&str]) {
    let text = failure.to_string();
    assert_eq!(failure.process, process, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}

#[tokio::test]
async fn an_unknown_flag_of_kube_apiserver_is_named() {
    let failure = failure(Environment::builder().apiserver_arg("no-such-flag", "1")).await;
    check(&failure, "kube-apiserver", &["does not know a flag", "--no-such-flag", "next: check the flags"]);
}

#[tokio::test]
async fn an_unknown_flag_of_etcd_is_named() {
    let failure = failure(Environment::builder().etcd_arg("no-such-flag", "1")).await;
    check(&failure, "etcd", &["does not know a flag", "no-such-flag"]);
}

#[tokio::test]
async fn an_invalid_value_is_named() {
    let failure = failure(Environment::builder().apiserver_arg("event-ttl", "soon")).await;
    check(&failure, "kube-apiserver", &["a flag's value is refused", "soon"]);
}

#[tokio::test]
async fn an_unknown_admission_plugin_is_named() {
    let failure = failure(Environment::builder().enable_admission_plugin("NoSuchPlugin")).await;
    check(&failure, "kube-apiserver", &["does not know a name", "NoSuchPlugin"]);
}

#[tokio::test]
async fn an_unknown_controller_is_named() {
    let failure = failure(Environment::builder().controllers(["no-such-controller"])).await;
    check(&failure, "kube-controller-manager", &["does not know a name", "no-such-controller"]);
}

#[tokio::test]
async fn a_start_that_times_out_names_the_process() {
    let failure = failure(Environment::builder().start_timeout(Duration::from_millis(1))).await;
    check(&failure, "etcd", &["was not ready within 0.001 s"]);
}

#[tokio::test]
async fn an_unreachable_etcd_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = format!("unix://{}/nobody.sock", dir.path().display());
    let failure = failure(Environment::builder().apiserver_arg("etcd-servers", elsewhere)).await;
    check(&failure, "kube-apiserver", &["cannot reach etcd"]);
}

/// A kube-apiserver whose first start fails because of a port in use.
async fn apiserver_with_port_in_use(dir: &Path) -> HostEnvironment {
    let request = Request::new(None).unwrap();
    let real = resolve(&request).await.unwrap();
    let real = real.path(Binary::KubeApiserver).unwrap().display().to_string();
    let script = dir.join("kube-apiserver");
    let text = "#!/bin/sh
if [ \"$1\" != --version ] && [ ! -e DIR/was-here ]; then
  touch DIR/was-here
  echo 'E1122 17:00:00.000000 1 run.go:72] \"command failed\" err=\"bind: address already in use\"'
  exit 1
fi
exec REAL \"$@\"
";
    fs::write(&script, text.replace("DIR", dir.to_str().unwrap()).replace("REAL", &real)).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let variables = std::env::vars_os().chain([("TEST_ASSET_KUBE_APISERVER".into(), script.into())]);
    HostEnvironment::with_variables(variables)
}

#[tokio::test]
async fn a_port_in_use_is_replaced_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::builder()
        .host_environment(apiserver_with_port_in_use(dir.path()).await)
        .start()
        .await
        .unwrap();
    assert!(dir.path().join("was-here").exists());
    env.client().unwrap().apiserver_version().await.unwrap();
}
