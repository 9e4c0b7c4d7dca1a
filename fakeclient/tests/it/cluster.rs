//! Basic use of one cluster through `kube::Client`.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service, ServiceAccount};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::wait::{await_condition, conditions::is_deleted};
use kube::runtime::{WatchStreamExt, watcher};
use seatrial_fakeclient::{ApiError, Clock, FakeCluster, RequestMatch};
use serde_json::json;

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": name}}, "data": {"k": "v"}}))
        .expect("a config map")
}

#[tokio::test]
async fn object_can_be_created_read_updated_and_deleted() {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let created = maps.create(&PostParams::default(), &map("a")).await.unwrap();
    assert!(created.metadata.uid.is_some() && created.metadata.creation_timestamp.is_some());
    let patch = Patch::Merge(json!({"data": {"k": "w"}}));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap()["k"], "w");
    assert_ne!(patched.metadata.resource_version, created.metadata.resource_version);
    let stale = maps.replace("a", &PostParams::default(), &created).await.unwrap_err();
    assert!(matches!(&stale, kube::Error::Api(status) if status.code == 409), "{stale}");
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn namespace_gets_a_service_account_and_is_deleted_with_its_content() {
    let cluster = FakeCluster::new();
    let namespaces: Api<Namespace> = Api::all(cluster.client());
    let namespace = serde_json::from_value(json!({"metadata": {"name": "prod"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client(), "prod");
    accounts.get("default").await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client(), "prod");
    maps.create(&PostParams::default(), &map("a")).await.unwrap();
    namespaces.delete("prod", &DeleteParams::default()).await.unwrap();
    assert!(namespaces.get_opt("prod").await.unwrap().is_none(), "an empty namespace goes at once");
    assert!(maps.list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn dependents_are_deleted_with_their_owner() {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let owner = maps.create(&PostParams::default(), &map("owner")).await.unwrap();
    let mut dependent = map("dependent");
    let reference =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid});
    dependent.metadata.owner_references = Some(vec![serde_json::from_value(reference).unwrap()]);
    maps.create(&PostParams::default(), &dependent).await.unwrap();
    maps.delete("owner", &DeleteParams::default()).await.unwrap();
    assert!(maps.get_opt("dependent").await.unwrap().is_none());
}

#[tokio::test]
async fn watch_shows_objects_that_enter_and_leave_its_selection() {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let from = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let params = WatchParams::default().labels("app=a").timeout(10);
    let mut watch = maps.watch(&params, &from).await.unwrap().boxed();
    maps.create(&PostParams::default(), &map("a")).await.unwrap();
    let leave = Patch::Merge(json!({"metadata": {"labels": {"app": "b"}}}));
    maps.patch("a", &PatchParams::default(), &leave).await.unwrap();
    assert!(matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Added(_))));
    assert!(matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Deleted(_))));
}

#[tokio::test(start_paused = true)]
async fn idle_watch_gets_a_bookmark_each_minute() {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let from = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let params = WatchParams::default().labels("app=a").timeout(290);
    let mut watch = maps.watch(&params, &from).await.unwrap().boxed();
    // The watch does not select it, so that only a bookmark shows its revision.
    let other = maps.create(&PostParams::default(), &map("b")).await.unwrap();
    let began = tokio::time::Instant::now();
    for minute in 1..=2 {
        let Some(WatchEvent::Bookmark(bookmark)) = watch.try_next().await.unwrap() else {
            panic!("something else than a bookmark came in minute {minute}");
        };
        assert_eq!(Some(bookmark.metadata.resource_version), other.metadata.resource_version);
        assert_eq!(began.elapsed().as_secs(), 60 * minute);
    }
    let mut without = maps.watch(&params.disable_bookmarks(), &from).await.unwrap().boxed();
    assert!(without.try_next().await.unwrap().is_none(), "it ends at its time-out, untold");
}

#[tokio::test(start_paused = true)]
async fn watcher_recovers_from_timeout_and_compaction() {
    let clock = Clock::tokio("2026-01-01T00:00:00Z".parse().unwrap());
    let cluster = FakeCluster::builder().clock(clock).build().unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let mut stream = watcher(maps.clone(), watcher::Config::default()).applied_objects().boxed();
    maps.create(&PostParams::default(), &map("a")).await.unwrap();
    let names =
        async |stream: &mut futures::stream::BoxStream<'static, Result<ConfigMap, watcher::Error>>| loop {
            let object: ConfigMap = stream.next().await.unwrap().unwrap();
            if object.metadata.name.as_deref() != Some("kube-root-ca.crt") {
                return object.metadata.name.unwrap();
            }
        };
    assert_eq!(names(&mut stream).await, "a");
    tokio::time::advance(Duration::from_secs(600)).await;
    cluster.compact();
    maps.create(&PostParams::default(), &map("b")).await.unwrap();
    while names(&mut stream).await != "b" {}
}

#[tokio::test]
async fn only_the_second_create_fails() {
    let cluster = FakeCluster::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let guard = cluster
        .faults()
        .on(RequestMatch::verb("create").resource("configmaps"))
        .nth(2)
        .fail(ApiError::internal("disk full"));
    maps.create(&PostParams::default(), &map("a")).await.unwrap();
    let error = maps.create(&PostParams::default(), &map("b")).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 500), "{error}");
    maps.create(&PostParams::default(), &map("b")).await.unwrap();
    assert_eq!(guard.matched(), 3);
}

#[tokio::test]
async fn fault_applies_to_one_user_only() {
    let cluster = FakeCluster::new();
    let maps = |user: &str| Api::<ConfigMap>::default_namespaced(cluster.client_as(user));
    let guard = cluster
        .faults()
        .on(RequestMatch::verb("create").user("operator"))
        .fail(ApiError::internal("disk full"));
    maps("spec").create(&PostParams::default(), &map("a")).await.unwrap();
    let error = maps("operator").create(&PostParams::default(), &map("b")).await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 500), "{error}");
    assert_eq!(guard.matched(), 1);
    drop(guard);
    maps("operator").create(&PostParams::default(), &map("b")).await.unwrap();
}

#[tokio::test]
async fn requests_are_recorded_with_their_user() {
    let cluster = FakeCluster::new();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client_as("alice"));
    maps.get_opt("a").await.unwrap();
    let requests = cluster.requests();
    let last = requests.last().expect("one request was made");
    assert_eq!((last.user.as_str(), last.method.as_str(), last.code), ("alice", "GET", 404));
}

const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, default: 3, maximum: 9}
              name: {type: string}
            x-kubernetes-validations:
            - {rule: "!has(self.name) || self.name != 'bad'", message: "bad is a bad name"}
"#;

fn widgets(cluster: &FakeCluster) -> Api<kube::core::DynamicObject> {
    let kind =
        kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk("example.com", "v1", "Widget"));
    Api::default_namespaced_with(cluster.client(), &kind)
}

#[tokio::test]
async fn custom_resources_are_defaulted_pruned_and_validated() {
    let cluster = FakeCluster::builder().objects(WIDGETS).build().unwrap();
    let widgets = widgets(&cluster);
    let widget = |spec: serde_json::Value| -> kube::core::DynamicObject {
        let object = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec});
        serde_json::from_value(object).unwrap()
    };
    let refused =
        async |spec| widgets.create(&PostParams::default(), &widget(spec)).await.unwrap_err().to_string();
    let too_big = refused(json!({"size": 10})).await;
    assert!(
        too_big.contains("spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9"),
        "{too_big}"
    );
    let bad = refused(json!({"name": "bad"})).await;
    assert!(bad.contains("bad is a bad name"), "{bad}");
    let made = widgets.create(&PostParams::default(), &widget(json!({"colour": "red"}))).await.unwrap();
    assert_eq!(made.data["spec"], json!({"size": 3}), "colour is pruned, size has a default");
    assert_eq!(made.metadata.generation, Some(1));
}

#[tokio::test(start_paused = true)]
async fn custom_resources_are_deleted_with_their_definition() {
    let cluster = FakeCluster::builder().objects(WIDGETS).build().unwrap();
    let widgets = widgets(&cluster);
    let object =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}});
    widgets.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
    let kind = kube::core::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
    ));
    let definitions: Api<kube::core::DynamicObject> = Api::all_with(cluster.client(), &kind);
    let answer = definitions.delete("widgets.example.com", &DeleteParams::default()).await.unwrap();
    let definition = answer.left().expect("the definition waits for its objects to go");
    let uid = definition.uid().unwrap();
    // The definition is removed after the response, so that a watch started now shows it.
    let events = definitions.watch(&WatchParams::default().timeout(15), "0").await.unwrap();
    let deleted = events.try_any(|event| std::future::ready(matches!(event, WatchEvent::Deleted(_))));
    assert!(deleted.await.unwrap());
    await_condition(definitions, "widgets.example.com", is_deleted(&uid)).await.unwrap();
    let gone = widgets.get("w").await.unwrap_err();
    assert!(matches!(&gone, kube::Error::Api(status) if status.code == 404), "{gone}");
}

/// The generated uids, names and addresses of a cluster with a seed, after the same requests.
async fn generated_objects(seed: u64) -> Vec<serde_json::Value> {
    let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    let cluster = FakeCluster::builder().seed(seed).clock(clock).build().unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let nameless = serde_json::from_value(json!({"metadata": {"generateName": "a-"}})).unwrap();
    let named = maps.create(&PostParams::default(), &nameless).await.unwrap();
    let services: Api<Service> = Api::default_namespaced(cluster.client());
    let service = json!({"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let service = serde_json::from_value(service).unwrap();
    let addressed = services.create(&PostParams::default(), &service).await.unwrap();
    vec![serde_json::to_value(named).unwrap(), serde_json::to_value(addressed).unwrap()]
}

#[tokio::test]
async fn same_seed_and_requests_give_same_objects() {
    let first = generated_objects(7).await;
    assert_eq!(first, generated_objects(7).await);
    let other = generated_objects(8).await;
    for (object, pointer) in [(0, "/metadata/name"), (0, "/metadata/uid"), (1, "/spec/ports/0/nodePort")] {
        assert_ne!(first[object].pointer(pointer), other[object].pointer(pointer), "{pointer}");
    }
}

#[test]
fn invalid_initial_object_is_reported_with_its_index() {
    let good = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n";
    let told = |second: &str| {
        FakeCluster::builder().objects(&format!("{good}{second}")).build().unwrap_err().to_string()
    };
    assert!(told("a: [").starts_with("failed to read the objects: "));
    let unknown = told("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n");
    assert!(unknown.starts_with("failed to create object 2: nothing serves kind \"Widget\""), "{unknown}");
    let refused = told("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A, namespace: a}\n");
    assert!(
        refused.starts_with("failed to create object 2: ConfigMap \"A\" is invalid: metadata.name"),
        "{refused}"
    );
}

#[tokio::test]
async fn apply_creates_and_owns_its_fields() {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let apply = Patch::Apply(map("a"));
    let first = maps.patch("a", &PatchParams::apply("me"), &apply).await.unwrap();
    let managers = first.metadata.managed_fields.clone().unwrap();
    assert_eq!((managers.len(), managers[0].manager.as_deref()), (1, Some("me")));
    let again = maps.patch("a", &PatchParams::apply("me"), &apply).await.unwrap();
    assert_eq!(again, first, "an apply that changes nothing writes nothing");
    let mut other = map("a");
    other.data = Some([("k".to_owned(), "w".to_owned())].into());
    let conflict = maps.patch("a", &PatchParams::apply("you"), &Patch::Apply(&other)).await.unwrap_err();
    let text = "Apply failed with 1 conflict: conflict with \"me\": .data.k";
    assert!(
        matches!(&conflict, kube::Error::Api(status) if status.code == 409 && status.message == text),
        "{conflict}"
    );
    let forced = PatchParams::apply("you").force();
    assert_eq!(maps.patch("a", &forced, &Patch::Apply(&other)).await.unwrap().data, other.data);
}

#[tokio::test]
async fn one_task_can_build_many_clusters() {
    for _ in 0..300 {
        FakeCluster::new();
    }
}

#[tokio::test]
async fn object_of_the_builder_is_completed_and_pruned() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x}], nonsense: 1}\n";
    let cluster = FakeCluster::builder().objects(pod).build().unwrap();
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(cluster.client());
    let spec = pods.get("p").await.unwrap().spec.unwrap();
    assert_eq!(
        (spec.restart_policy.as_deref(), spec.dns_policy.as_deref()),
        (Some("Always"), Some("ClusterFirst"))
    );
}
