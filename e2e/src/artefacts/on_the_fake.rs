//! Tests of the feed and the collectors against the in-memory API server.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::conditions::is_deleted;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use seatrial_fakeclient::FakeCluster;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::{LocalSet, yield_now};

use crate::artefacts::{ArtefactWriter, FailureScene, NamespaceFeed, OBSERVER, Requests, collect};
use crate::redaction::Redactor;
use crate::report::{Change, Moment, MomentKind, Timeline};

fn typed<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}

async fn cluster() -> (FakeCluster, Client) {
    let cluster = FakeCluster::new();
    let client = cluster.client();
    let namespace: Namespace = typed(json!({"metadata": {"name": "demo"}}));
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    (cluster, client)
}

fn secret() -> Secret {
    let applied = r#"{"kind":"Secret","stringData":{"password":"hunter2"}}"#;
    typed(json!({
        "metadata": {"name": "login", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied}},
        "stringData": {"password": "hunter2"},
    }))
}

fn event(name: &str, at: &str, message: &str) -> Event {
    typed(json!({
        "metadata": {"name": name, "namespace": "demo"}, "type": "Warning", "reason": "Failed", "message": message,
        "lastTimestamp": at, "involvedObject": {"kind": "ConfigMap", "namespace": "demo", "name": "a"},
    }))
}

/// Waits, in turns of this one thread and not by a clock, until the timeline has something.
async fn until_told(timeline: &Timeline, wanted: impl Fn(&Moment) -> bool) -> Vec<Moment> {
    for _ in 0..10_000 {
        let told = timeline.moments();
        if told.iter().any(&wanted) {
            return told;
        }
        yield_now().await;
    }
    panic!("it is not on the timeline: {:#?}", timeline.moments());
}

#[tokio::test(start_paused = true)]
async fn evidence_has_events_in_order_of_time_objects_without_secrets_and_the_requests() {
    let (cluster, client) = cluster().await;
    let (maps, secrets) = (Api::namespaced(client.clone(), "demo"), Api::namespaced(client.clone(), "demo"));
    maps.create(&PostParams::default(), &typed::<ConfigMap>(json!({"metadata": {"name": "a"}})))
        .await
        .unwrap();
    secrets.create(&PostParams::default(), &secret()).await.unwrap();
    let events: Api<Event> = Api::namespaced(client.clone(), "demo");
    events.create(&PostParams::default(), &event("e1", "2026-01-01T00:00:09Z", "second")).await.unwrap();
    events.create(&PostParams::default(), &event("e2", "2026-01-01T00:00:03Z", "first")).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let scene = FailureScene {
        client: Some(cluster.client_as(OBSERVER)),
        namespaces: vec!["demo".into()],
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        timeline: Timeline::begin(),
        redactor: Redactor::new(),
    };
    let writer = ArtefactWriter::new(folder.path(), "evidence", Redactor::new());
    let (artefacts, uncollected) = collect(&scene, &writer, &[&Requests(cluster)]).await;
    assert_eq!(uncollected, [""; 0]);
    let read = |path: &str| read(folder.path(), path);
    let events = read("evidence/events.txt");
    assert!(
        events.find("+3.000s  Warning  Failed  ConfigMap demo/a  first") < events.find("second"),
        "{events}"
    );
    let secrets = read("evidence/objects/demo/secrets.yaml");
    assert!(secrets.contains("password: (masked, 7 bytes)") && secrets.contains("kind: Secret"), "{secrets}");
    for artefact in &artefacts {
        let text = read(&artefact.path);
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{}:\n{text}", artefact.path);
    }
    let requests = read("evidence/requests.txt");
    assert!(requests.contains("201  POST    /api/v1/namespaces/demo/configmaps"), "{requests}");
    assert!(!requests.contains("GET"), "only the observer read anything:\n{requests}");
}

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_noted_and_hides_nothing() {
    let refuses = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::ready(Err::<http::Response<http_body_util::Empty<bytes::Bytes>>, _>("no route to it"))
    });
    let folder = tempfile::tempdir().unwrap();
    let scene = FailureScene {
        client: Some(Client::new(refuses, "demo")),
        namespaces: vec!["demo".into()],
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        timeline: Timeline::begin(),
        redactor: Redactor::new(),
    };
    let (_, uncollected) =
        collect(&scene, &ArtefactWriter::new(folder.path(), "evidence", Redactor::new()), &[]).await;
    for part in ["events of namespace demo: ", "objects: ", "Pods of namespace demo: "] {
        assert!(uncollected.iter().any(|note| note.starts_with(part)), "{part:?} is not in {uncollected:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_feed_tells_what_comes_changes_and_goes_and_not_what_was_there() {
    let local = LocalSet::new();
    let feed = async {
        let (cluster, client) = cluster().await;
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "demo");
        let timeline = Timeline::begin();
        let since = "2026-01-01T00:00:00Z".parse().unwrap();
        let feed = NamespaceFeed::start(
            cluster.client_as(OBSERVER),
            "demo",
            since,
            Arc::clone(&timeline),
            Redactor::new(),
        );
        let map = json!({"metadata": {"name": "a"}, "data": {"key": "1"}});
        maps.create(&PostParams::default(), &typed(map)).await.unwrap();
        until_told(&timeline, |moment| moment.text == "appears").await;
        let patch = Patch::Merge(json!({"data": {"key": "2"}}));
        maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
        let events: Api<Event> = Api::namespaced(client.clone(), "demo");
        events.create(&PostParams::default(), &event("e1", "2026-01-01T00:00:09Z", "no sail")).await.unwrap();
        until_told(&timeline, |moment| moment.kind == MomentKind::Event).await;
        maps.delete("a", &DeleteParams::default()).await.unwrap();
        let told = until_told(&timeline, |moment| moment.text == "is gone").await;
        feed.stop().await;
        told
    };
    let told = Box::pin(local.run_until(feed)).await;
    let watched: Vec<_> = told.iter().filter(|moment| moment.kind == MomentKind::Watch).collect();
    let changes: Vec<_> = watched.iter().map(|moment| moment.object.as_ref().unwrap().change).collect();
    assert_eq!(changes, [Change::Added, Change::Modified, Change::Deleted], "{told:#?}");
    assert_eq!(watched[1].text, r#"data.key: "1" → "2" (by unknown, Update)"#);
    assert!(watched[1].detail.contains("-  key: \"1\"\n+  key: \"2\""), "{}", watched[1].detail);
    let event = told.iter().find(|moment| moment.kind == MomentKind::Event).unwrap();
    assert_eq!((event.text.as_str(), event.failed), ("ConfigMap a: Failed: no sail", true));
}

#[tokio::test(start_paused = true)]
async fn the_feed_follows_kinds_that_are_defined_meanwhile_and_again_when_they_come_back() {
    let local = LocalSet::new();
    let feed = async {
        let (cluster, client) = cluster().await;
        let timeline = Timeline::begin();
        let since = "2026-01-01T00:00:00Z".parse().unwrap();
        let feed = NamespaceFeed::start(
            cluster.client_as(OBSERVER),
            "demo",
            since,
            Arc::clone(&timeline),
            Redactor::new(),
        );
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        let boats = ApiResource::from_gvk(&GroupVersionKind::gvk("harbour.test", "v1", "Boat"));
        let boats: Api<DynamicObject> = Api::namespaced_with(client.clone(), "demo", &boats);
        // Something is told first: the feed has begun, and the kind is a new one.
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "demo");
        let map = typed(json!({"metadata": {"name": "a"}}));
        maps.create(&PostParams::default(), &map).await.unwrap();
        until_told(&timeline, |moment| moment.text == "appears").await;
        for name in ["tug", "ferry"] {
            let definition = crds.create(&PostParams::default(), &boat_definition()).await.unwrap();
            let object = json!({"apiVersion": "harbour.test/v1", "kind": "Boat", "metadata": {"name": name}});
            let boat: DynamicObject = typed(object);
            let created = async {
                // The definition is established a moment after it was made.
                while boats.create(&PostParams::default(), &boat).await.is_err() {
                    yield_now().await;
                }
            };
            created.await;
            until_told(&timeline, |moment| moment.object.as_ref().is_some_and(|object| object.name == name))
                .await;
            crds.delete("boats.harbour.test", &DeleteParams::default()).await.unwrap();
            let gone = is_deleted(definition.metadata.uid.as_deref().unwrap());
            await_condition(crds.clone(), "boats.harbour.test", gone).await.unwrap();
        }
        feed.stop().await;
        timeline.moments()
    };
    let told = Box::pin(local.run_until(feed)).await;
    let added = |name: &str| {
        let of = |moment: &&Moment| {
            moment.object.as_ref().is_some_and(|object| object.name == name && object.change == Change::Added)
        };
        told.iter().filter(of).map(|moment| moment.object.as_ref().unwrap().kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        (added("tug"), added("ferry")),
        (vec!["Boat.harbour.test".into()], vec!["Boat.harbour.test".into()])
    );
}

fn boat_definition() -> CustomResourceDefinition {
    typed(json!({
        "metadata": {"name": "boats.harbour.test"},
        "spec": {
            "group": "harbour.test", "scope": "Namespaced",
            "names": {"kind": "Boat", "plural": "boats", "singular": "boat", "listKind": "BoatList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    }))
}
