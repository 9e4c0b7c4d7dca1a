//! HTTP responses: warnings, status codes, headers, and errors of unknown paths.

use std::time::Duration;

use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use seatrial_fakeclient::{FakeCluster, ResponseBody};
use serde_json::{Value, json};
use tower::ServiceExt;

struct TestResponse {
    code: u16,
    warnings: Vec<String>,
    headers: http::HeaderMap,
    body: bytes::Bytes,
}

impl TestResponse {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

async fn send(
    cluster: &FakeCluster,
    method: &str,
    path: &str,
    body: Value,
    more: &[(&str, &str)],
) -> TestResponse {
    let mut request = Request::builder().method(method).uri(path);
    let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    request = request.header(header::CONTENT_TYPE, media);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).expect("JSON") };
    let request = request.body(Full::from(bytes)).expect("a request");
    let response: Response<ResponseBody> = cluster.service().oneshot(request).await.expect("an answer");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let warnings = head.headers.get_all(header::WARNING).iter();
    let warnings = warnings.map(|w| w.to_str().expect("text").to_owned()).collect();
    TestResponse { code: head.status.as_u16(), warnings, headers: head.headers, body }
}

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object",
        "properties": {"size": {"type": "integer", "minimum": 1}}}}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": schema},
                {"name": "v1beta1", "served": true, "storage": false, "deprecated": true, "schema": schema},
            ],
        },
    })
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const OLD_WIDGETS: &str = "/apis/example.com/v1beta1/namespaces/default/widgets";
const DEPRECATED: &str = "299 - \"example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget\"";

fn widget(name: &str, finalizers: &[&str], size: i64) -> Value {
    json!({"apiVersion": "example.com/v1beta1", "kind": "Widget",
        "metadata": {"name": name, "finalizers": finalizers}, "spec": {"size": size, "extra": 1}})
}

#[tokio::test]
async fn every_response_of_a_deprecated_version_has_a_warning() {
    let cluster = FakeCluster::new();
    assert_eq!(send(&cluster, "POST", DEFINITIONS, definition(), &[]).await.code, 201);
    let created = send(&cluster, "POST", OLD_WIDGETS, widget("w", &["foo"], 1), &[]).await;
    assert_eq!(created.code, 201);
    let unknown = "299 - \"unknown field \\\"spec.extra\\\"\"";
    let loose = "299 - \"metadata.finalizers: \\\"foo\\\": prefer a domain-qualified finalizer name to avoid accidental \
                 conflicts with other finalizer writers\"";
    assert_eq!(created.warnings, [DEPRECATED, unknown, loose]);
    let refused = send(&cluster, "POST", OLD_WIDGETS, widget("v", &["foo"], 0), &[]).await;
    assert_eq!((refused.code, refused.warnings), (422, vec![DEPRECATED.to_owned(), unknown.to_owned()]));
    let path = format!("{OLD_WIDGETS}/w");
    let labelled = send(&cluster, "PATCH", &path, json!({"metadata": {"labels": {"a": "b"}}}), &[]).await;
    assert_eq!(labelled.warnings, [DEPRECATED], "the finalizer was there before");
    assert_eq!(send(&cluster, "GET", &path, Value::Null, &[]).await.warnings, [DEPRECATED]);
    assert_eq!(send(&cluster, "GET", OLD_WIDGETS, Value::Null, &[]).await.warnings, [DEPRECATED]);
    let new = OLD_WIDGETS.replace("v1beta1", "v1");
    assert!(send(&cluster, "GET", &new, Value::Null, &[]).await.warnings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn create_of_custom_resource_with_terminating_definition_is_rejected() {
    let cluster = FakeCluster::new();
    send(&cluster, "POST", DEFINITIONS, definition(), &[]).await;
    send(&cluster, "POST", OLD_WIDGETS, widget("w", &["a.b/c"], 1), &[]).await;
    send(&cluster, "DELETE", &format!("{DEFINITIONS}/widgets.example.com"), Value::Null, &[]).await;
    let refused = send(&cluster, "POST", OLD_WIDGETS, widget("v", &[], 1), &[]).await.json();
    assert_eq!(
        (&refused["code"], &refused["message"]),
        (
            &json!(403),
            &json!(
                "widgets.example.com \"v\" is forbidden: create not allowed while custom resource definition is \
                 terminating"
            )
        )
    );
    let removed = json!({"metadata": {"finalizers": null}});
    send(&cluster, "PATCH", &format!("{OLD_WIDGETS}/w"), removed, &[]).await;
    let gone = loop {
        let answer = send(&cluster, "GET", OLD_WIDGETS, Value::Null, &[]).await;
        if answer.code != 200 {
            break answer;
        }
        tokio::time::advance(Duration::from_millis(10)).await;
    };
    assert_eq!((gone.code, &gone.body[..]), (404, &b"404 page not found\n"[..]));
}

#[tokio::test]
async fn unscheduled_pod_is_deleted_in_two_writes() {
    let cluster = FakeCluster::new();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x"}]}});
    let created = send(&cluster, "POST", pods, pod, &[]).await.json();
    let deleted = send(&cluster, "DELETE", &format!("{pods}/p"), Value::Null, &[]).await.json();
    let metadata = &deleted["metadata"];
    assert_eq!((&deleted["kind"], &metadata["generation"]), (&json!("Pod"), &json!(2)));
    assert_eq!(metadata["deletionGracePeriodSeconds"], 0);
    let revision = |object: &Value| -> u64 {
        object["metadata"]["resourceVersion"].as_str().expect("a revision").parse().expect("a number")
    };
    // One write sets the deletionTimestamp, the other deletes.
    assert_eq!(revision(&deleted), revision(&created) + 2);
    assert_eq!(send(&cluster, "GET", &format!("{pods}/p"), Value::Null, &[]).await.code, 404);
}

#[tokio::test]
async fn delete_returns_the_service_but_a_status_for_a_config_map() {
    let cluster = FakeCluster::new();
    let at = |plural: &str| format!("/api/v1/namespaces/default/{plural}");
    let service = json!({"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80}]}});
    send(&cluster, "POST", &at("services"), service, &[]).await;
    send(&cluster, "POST", &at("configmaps"), json!({"metadata": {"name": "x"}}), &[]).await;
    let service = send(&cluster, "DELETE", &at("services/x"), Value::Null, &[]).await.json();
    assert_eq!((&service["kind"], &service["metadata"]["name"]), (&json!("Service"), &json!("x")));
    let map = send(&cluster, "DELETE", &at("configmaps/x"), Value::Null, &[]).await.json();
    assert_eq!((&map["kind"], &map["status"]), (&json!("Status"), &json!("Success")));
}

#[tokio::test]
async fn unknown_path_is_answered_by_its_router() {
    let cluster = FakeCluster::new();
    for path in ["/nope", "/apis/nope", "/apis/nope/v1", "/apis/nope/v1/things", "/openapi", "/openapi/v4"] {
        let answer = send(&cluster, "GET", path, Value::Null, &[]).await;
        assert_eq!((answer.code, &answer.body[..]), (404, &b"404 page not found\n"[..]), "{path}");
    }
    for path in ["/api/v2", "/api/v2/pods", "/api/v1/nope", "/apis/apps/v9", "/apis/apps/v1/nope"] {
        let answer = send(&cluster, "GET", path, Value::Null, &[]).await;
        assert_eq!(answer.json()["message"], "the server could not find the requested resource", "{path}");
    }
    for path in ["/openapi/v3/", "/openapi/v3/nope", "/openapi/v3/apis/nope/v1"] {
        let answer = send(&cluster, "GET", path, Value::Null, &[]).await;
        assert_eq!((answer.code, answer.body.len()), (404, 0), "{path}");
        assert!(!answer.headers.contains_key(header::CONTENT_TYPE), "{path}");
    }
}

#[tokio::test]
async fn openapi_document_is_cached_by_its_hash() {
    let cluster = FakeCluster::new();
    let path = "/openapi/v3/apis/batch/v1";
    let document = send(&cluster, "GET", path, Value::Null, &[]).await;
    let tag = document.headers[header::ETAG].to_str().expect("text").to_owned();
    let wrong = send(&cluster, "GET", &format!("{path}?hash=ABC"), Value::Null, &[]).await;
    assert_eq!(wrong.code, 301);
    let location = wrong.headers[header::LOCATION].to_str().expect("text").to_owned();
    assert_eq!(location, format!("{path}?hash={}", tag.trim_matches('"')));
    let right = send(&cluster, "GET", &location, Value::Null, &[]).await;
    assert_eq!(
        (right.code, &right.headers[header::CACHE_CONTROL]),
        (200, &"public, immutable".parse().unwrap())
    );
    let known = send(&cluster, "GET", path, Value::Null, &[("if-none-match", &tag)]).await;
    assert_eq!((known.code, known.body.len()), (304, 0));
    assert_eq!(send(&cluster, "GET", "/openapi/v2", Value::Null, &[]).await.code, 501);
}
