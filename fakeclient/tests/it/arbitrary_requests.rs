//! Property test with arbitrary, mostly almost valid requests: each gets an HTTP response, and each error is a Status.

use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use proptest::sample::select;
use seatrial_fakeclient::FakeCluster;
use serde_json::Value;
use tower::ServiceExt;

/// The parts of an HTTP request.
#[derive(Clone, Debug)]
struct ArbitraryRequest {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

const SEGMENTS: [&str; 30] = [
    "api",
    "apis",
    "v1",
    "v2",
    "apps",
    "batch",
    "example.com",
    "namespaces",
    "default",
    "pods",
    "configmaps",
    "deployments",
    "services",
    "widgets",
    "customresourcedefinitions",
    "apiextensions.k8s.io",
    "a",
    "b",
    "status",
    "scale",
    "finalize",
    "log",
    "watch",
    "openapi",
    "v3",
    "%2F",
    "%zz",
    "%FF",
    "..",
    "",
];

const ROUTES: [&str; 12] = [
    "/api/v1/namespaces/default/pods",
    "/api/v1/namespaces/default/configmaps",
    "/api/v1/namespaces",
    "/api/v1/namespaces/default/services",
    "/apis/apps/v1/namespaces/default/deployments",
    "/api/v1/pods",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/api/v1/nodes",
    "/apis/batch/v1/jobs",
    "/apis/events.k8s.io/v1/namespaces/default/events",
    "/openapi/v3/apis/apps",
    "/apis/authorization.k8s.io/v1",
];

const PARAMETERS: [&str; 20] = [
    "labelSelector=a%3Db",
    "labelSelector=a+in+(b,c)",
    "labelSelector=%21%21",
    "fieldSelector=metadata.name%3Da",
    "fieldSelector=spec.nope%3D1",
    "limit=1",
    "limit=-1",
    "limit=x",
    "resourceVersion=0",
    "resourceVersion=-3",
    "resourceVersionMatch=Exact",
    "continue=abc",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
    "dryRun=All",
    "dryRun=no",
    "fieldValidation=Strict",
    "gracePeriodSeconds=-1",
    "propagationPolicy=Foreground",
    "includeObject=None",
    "pretty=true",
];

const BODIES: [&str; 16] = [
    r#"{"metadata":{"name":"a"}}"#,
    r#"{"metadata":{"name":"a","finalizers":["x.y/z"]},"data":{"k":"v"}}"#,
    r#"{"metadata":{"generateName":"日本"}}"#,
    r#"{"metadata":{"name":"a"},"spec":{"replicas":1e400}}"#,
    r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#,
    r#"{"metadata":[]}"#,
    "[]",
    r#"[{"op":"remove","path":"/metadata"}]"#,
    r#"[{"op":"add","path":"/data/-1/~2","value":1}]"#,
    r#"[{"op":"copy","from":"","path":"/metadata/x"}]"#,
    r#"{"$patch":"delete"}"#,
    r#"{"metadata":null,"spec":null}"#,
    r#"{"spec":{"containers":[{"$patch":"replace"},{"name":null}]}}"#,
    "a: [b",
    "null",
    "",
];

fn path() -> impl Strategy<Value = String> {
    let route =
        (select(&ROUTES[..]), select(&["", "/a", "/b", "/a/status", "/a/scale", "/a/finalize", "/"][..]));
    prop_oneof![
        6 => route.prop_map(|(route, rest)| format!("{route}{rest}")),
        2 => prop::collection::vec(select(&SEGMENTS[..]), 0..8).prop_map(|parts| format!("/{}", parts.join("/"))),
        1 => "/[a-zA-Z0-9/._~%-]{0,40}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::collection::vec(select(&PARAMETERS[..]), 0..4).prop_map(|parts| parts.join("&")),
        1 => "[a-zA-Z0-9=&%+,!()._;-]{0,40}",
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => select(&BODIES[..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => "[\\[\\]{}\":,a-z0-9. $\\n-]{0,60}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ]
}

fn arbitrary_request() -> impl Strategy<Value = ArbitraryRequest> {
    let content = select(
        &[
            "application/json",
            "application/yaml",
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
            "text/xml",
            "",
        ][..],
    );
    let accept = select(
        &[
            "application/json",
            "*/*",
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "text/html",
            "application/yaml",
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            ";;q=x,",
            "application/json;q=-1e99",
        ][..],
    );
    let method = select(&["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"][..]);
    (method, path(), query(), content, accept, body()).prop_map(
        |(method, path, query, content, accept, body)| ArbitraryRequest {
            method,
            path,
            query,
            headers: vec![("content-type", content.to_owned()), ("accept", accept.to_owned())],
            body,
        },
    )
}

/// Sends a request. Returns the fault of the response, if any.
async fn fault_of_response(cluster: &FakeCluster, sent: &ArbitraryRequest) -> Option<String> {
    let mut request = Request::builder().method(sent.method).uri(format!("{}?{}", sent.path, sent.query));
    for (name, value) in &sent.headers {
        request = request.header(*name, value);
    }
    // Requests that the http crate rejects cannot reach a server either.
    let request = request.body(Full::from(sent.body.clone())).ok()?;
    let response = cluster.service().oneshot(request).await.expect("the service never fails");
    let (parts, body) = response.into_parts();
    if parts.status.as_u16() < 400 {
        // A watch does not end by itself; a document does.
        let read = tokio::time::timeout(Duration::from_millis(5), body.collect()).await;
        return read.is_ok_and(|read| read.is_err()).then(|| "the body broke off".to_owned());
    }
    let bytes = body.collect().await.expect("the body is read").to_bytes();
    let json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if !json || sent.method == "HEAD" {
        return None;
    }
    let status: Value = match serde_json::from_slice(&bytes) {
        Ok(status) => status,
        Err(error) => return Some(format!("{}: {error}", parts.status)),
    };
    let is_status =
        status["kind"] == "Status" && status["apiVersion"] == "v1" && status["status"] == "Failure";
    (!is_status || status["code"] != parts.status.as_u16()).then(|| format!("{}: {status}", parts.status))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_request_gets_a_response_and_every_error_is_a_status(requests in prop::collection::vec(arbitrary_request(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime can be built");
        let cluster = FakeCluster::new();
        for sent in &requests {
            let fault = runtime.block_on(fault_of_response(&cluster, sent));
            prop_assert!(fault.is_none(), "{sent:?}: {}", fault.unwrap_or_default());
        }
    }
}
