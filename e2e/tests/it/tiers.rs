//! The same specs on the tests' tier, and what refuses to begin.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;
use kube::config::Kubeconfig;
use seatrial_fakeclient::FakeCluster;

use crate::program::suite;
use crate::reports::report;

#[test]
fn specs_pass_that_create_watch_and_delete_objects() {
    let ran = suite("passing").run();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("7 passed; 0 failed; 2 ignored"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_specs_pass_on_a_cluster_that_is_there_and_leave_nothing_in_it() {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, serving.kubeconfig()).unwrap();
    let context = Kubeconfig::read_from(&kubeconfig).unwrap().current_context.unwrap();
    let spaces: Api<Namespace> = Api::all(cluster.client());
    let names = async || {
        let all = spaces.list_metadata(&ListParams::default()).await.unwrap();
        all.items.into_iter().map(|space| space.metadata.name.unwrap()).collect::<Vec<_>>()
    };
    let before = names().await;
    let program = suite("passing")
        .env("SEATRIAL_TIER", "existing")
        .env("SEATRIAL_CONTEXT_ALLOW", context)
        .env("SEATRIAL_HAS", "controllers")
        .env("KUBECONFIG", &kubeconfig);
    let ran = tokio::task::spawn_blocking(|| program.run()).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(" passed; 0 failed; "), "{}", ran.stdout);
    assert_eq!(names().await, before);
    serving.stop().await;
}

#[test]
fn a_context_that_is_not_on_the_allow_list_is_named_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text =
        "{apiVersion: v1, kind: Config, current-context: production, contexts: [], clusters: [], users: []}";
    std::fs::write(&kubeconfig, text).unwrap();
    let ran = suite("passing").env("SEATRIAL_TIER", "existing").env("KUBECONFIG", &kubeconfig).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("the current context \"production\" is not allowed"), "{}", ran.stderr);
    assert!(ran.stderr.contains("SEATRIAL_CONTEXT_ALLOW=production"), "{}", ran.stderr);
}

#[test]
fn a_cluster_that_does_not_answer_fails_the_specs_in_their_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    // Nothing listens on port 1 of this machine.
    let text = "{apiVersion: v1, kind: Config, current-context: x, users: [{name: u, user: {}}],
        contexts: [{name: x, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]}";
    std::fs::write(&kubeconfig, text).unwrap();
    let ran = suite("waiting")
        .arg("tells a value in hand")
        .env("SEATRIAL_TIER", "existing")
        .env("SEATRIAL_CONTEXT_ALLOW", "x")
        .env("KUBECONFIG", &kubeconfig)
        .env("SEATRIAL_REPORT", folder.path())
        .run();
    assert_eq!(ran.code, Some(101), "{}", ran.stderr);
    // What could be asked was asked, and what came of that is no failure of the spec.
    let report = report(folder.path());
    let attempt = &report["specs"][0]["attempts"][0];
    assert_eq!(attempt["failures"].as_array().unwrap().len(), 1, "{attempt}");
    let uncollected = attempt["uncollected"].as_array().unwrap();
    for part in ["events of namespace default: ", "objects: "] {
        let noted = uncollected.iter().any(|note| note.as_str().unwrap().starts_with(part));
        assert!(noted, "{part:?} is not in {uncollected:?}");
    }
    let story = ran.story("Wait / that is not fulfilled / tells a value in hand");
    assert!(story.starts_with("set-up: creating namespace seatrial-wait-that-is-not-fulfilled-"), "{story}");
    assert!(story.contains("onnect"), "the reason should be told: {story}");
}

#[cfg(not(feature = "envtest"))]
#[test]
fn tier_that_was_not_built_is_refused_with_its_feature() {
    let ran = suite("passing").env("SEATRIAL_TIER", "envtest").run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("features = [\"envtest\"]"), "{}", ran.stderr);
}
