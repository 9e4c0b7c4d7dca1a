//! Admission and conversion webhooks in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::admission::AdmissionResponse;
use kube::core::conversion::ConversionResponse;
use kube::core::{ApiResource, GroupVersionKind, Status};
use seatrial_fakeclient::{FakeCluster, admission_webhook, conversion_webhook};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the object has its type's shape")
}

fn map(name: &str) -> ConfigMap {
    of(json!({"metadata": {"name": name}, "data": {"a": "1"}}))
}

/// A webhook for ConfigMaps, served by the Service `hooks/server`.
fn webhook(extra: &Value) -> Value {
    let mut webhook = json!({
        "name": "maps.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": "hooks", "name": "server", "path": "/review"}},
        "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["hooks", "kube-system"]}]},
    });
    for (key, value) in extra.as_object().into_iter().flatten() {
        webhook[key] = value.clone();
    }
    webhook
}

/// A cluster with the Service `hooks/server`.
async fn cluster() -> FakeCluster {
    let cluster = FakeCluster::new();
    let params = PostParams::default();
    let namespaces: Api<Namespace> = Api::all(cluster.client());
    namespaces.create(&params, &of(json!({"metadata": {"name": "hooks"}}))).await.expect("a namespace");
    let services: Api<Service> = Api::namespaced(cluster.client(), "hooks");
    let service = json!({"metadata": {"name": "server"}, "spec": {"ports": [{"port": 443}]}});
    services.create(&params, &of(service)).await.expect("a Service");
    cluster
}

async fn validate(cluster: &FakeCluster, webhooks: &[Value]) {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client());
    let configuration = of(json!({"metadata": {"name": "c"}, "webhooks": webhooks}));
    api.create(&PostParams::default(), &configuration).await.expect("a valid configuration");
}

async fn mutate(cluster: &FakeCluster, name: &str, webhooks: &[Value]) {
    let api: Api<MutatingWebhookConfiguration> = Api::all(cluster.client());
    let configuration = of(json!({"metadata": {"name": name}, "webhooks": webhooks}));
    api.create(&PostParams::default(), &configuration).await.expect("a valid configuration");
}

fn maps(cluster: &FakeCluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client())
}

fn refusal<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> Box<Status> {
    match result {
        Err(kube::Error::Api(status)) => status,
        other => panic!("expected a Status, got {other:?}"),
    }
}

fn patched(operations: Value) -> json_patch::Patch {
    of(operations)
}

#[tokio::test]
async fn a_validating_webhook_denies_with_its_own_status() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            assert_eq!(request.user_info.username.as_deref(), Some("admin"));
            let response = AdmissionResponse::from(&request);
            if request.name == "bad" { response.deny("not this name") } else { response }
        }),
    );
    validate(&cluster, &[webhook(&json!({}))]).await;
    let maps = maps(&cluster);
    maps.create(&PostParams::default(), &map("good")).await.expect("the webhook allows it");
    let status = refusal(maps.create(&PostParams::default(), &map("bad")).await);
    assert_eq!(status.message, "admission webhook \"maps.example.com\" denied the request: not this name");
    assert_eq!(
        maps.list(&ListParams::default()).await.expect("a list").items.len(),
        2,
        "good and the root CA"
    );
}

#[tokio::test]
async fn a_mutating_webhook_changes_the_object_before_it_is_validated() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            let patch =
                patched(json!([{"op": "add", "path": "/metadata/labels", "value": {"by": "webhook"}}]));
            AdmissionResponse::from(&request).with_patch(patch).expect("a patch")
        }),
    );
    mutate(&cluster, "m", &[webhook(&json!({}))]).await;
    let made = maps(&cluster).create(&PostParams::default(), &map("a")).await.expect("the webhook allows it");
    assert_eq!(made.metadata.labels.expect("labels")["by"], "webhook");
}

#[tokio::test]
async fn an_invalid_patch_is_an_error_of_the_webhook() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            let patch = patched(json!([{"op": "add", "path": "/data/x", "value": 7}]));
            AdmissionResponse::from(&request).with_patch(patch).expect("a patch")
        }),
    );
    mutate(&cluster, "m", &[webhook(&json!({}))]).await;
    let status = refusal(maps(&cluster).create(&PostParams::default(), &map("a")).await);
    assert_eq!((status.code, status.reason.as_str()), (500, "InternalError"), "{}", status.message);
}

#[tokio::test]
async fn a_willing_webhook_is_called_again_after_a_later_change() {
    let cluster = cluster().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(move |request| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { AdmissionResponse::from(&request) }
        }),
    );
    let services: Api<Service> = Api::namespaced(cluster.client(), "hooks");
    let service = json!({"metadata": {"name": "labels"}, "spec": {"ports": [{"port": 443}]}});
    services.create(&PostParams::default(), &of(service)).await.expect("a Service");
    cluster.serve_webhooks(
        "hooks",
        "labels",
        admission_webhook(|request| async move {
            let patch = patched(json!([{"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}]));
            AdmissionResponse::from(&request).with_patch(patch).expect("a patch")
        }),
    );
    mutate(&cluster, "a", &[webhook(&json!({"reinvocationPolicy": "IfNeeded"}))]).await;
    let labels = json!({"name": "labels.example.com", "clientConfig": {"service": {"namespace": "hooks", "name": "labels"}}});
    mutate(&cluster, "b", &[webhook(&labels)]).await;
    maps(&cluster).create(&PostParams::default(), &map("a")).await.expect("all webhooks allow it");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_webhook_times_out_in_virtual_time() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            AdmissionResponse::from(&request)
        }),
    );
    validate(&cluster, &[webhook(&json!({"timeoutSeconds": 5}))]).await;
    let started = tokio::time::Instant::now();
    let status = refusal(maps(&cluster).create(&PostParams::default(), &map("a")).await);
    assert_eq!(started.elapsed().as_secs(), 5);
    assert_eq!(
        status.message,
        "Internal error occurred: failed calling webhook \"maps.example.com\": failed to call webhook: Post \
         \"https://server.hooks.svc:443/review?timeout=5s\": context deadline exceeded"
    );
}

#[tokio::test]
async fn a_webhook_may_call_the_cluster_that_calls_it() {
    let cluster = cluster().await;
    let client = cluster.client();
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(move |request| {
            let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "hooks");
            async move {
                let name =
                    format!("seen-{}-{}", request.name, format!("{:?}", request.operation).to_lowercase());
                let _ = maps.create(&PostParams::default(), &map(&name)).await;
                AdmissionResponse::from(&request)
            }
        }),
    );
    validate(&cluster, &[webhook(&json!({}))]).await;
    let owner = maps(&cluster).create(&PostParams::default(), &map("owner")).await.expect("allowed");
    let uid = owner.metadata.uid.expect("a uid");
    let mut dependent = map("dependent");
    dependent.metadata.owner_references = of(json!([
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]));
    maps(&cluster).create(&PostParams::default(), &dependent).await.expect("allowed");
    // The garbage collector deletes the dependent, and its webhook calls back.
    maps(&cluster).delete("owner", &DeleteParams::default()).await.expect("allowed");
    let seen: Api<ConfigMap> = Api::namespaced(cluster.client(), "hooks");
    seen.get("seen-dependent-delete").await.expect("the webhook saw the delete");
    assert!(maps(&cluster).get_opt("dependent").await.expect("an answer").is_none());
}

#[tokio::test]
async fn a_dry_run_calls_no_webhook_with_side_effects() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            assert!(request.dry_run, "only dry runs are sent");
            AdmissionResponse::from(&request)
        }),
    );
    validate(&cluster, &[webhook(&json!({"sideEffects": "NoneOnDryRun"}))]).await;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    maps(&cluster).create(&dry_run, &map("a")).await.expect("the webhook has no side effects in a dry run");
}

/// The CRD of Gauges in two versions, converted by `hooks/server`.
async fn gauges(cluster: &FakeCluster) -> [Api<DynamicObject>; 2] {
    let version = |name: &str, storage: bool, field: &str| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": {
            "type": "object", "properties": {"spec": {"type": "object", "properties": {field: {"type": "string"}}}}}}})
    };
    let crd = json!({"metadata": {"name": "gauges.example.com"}, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "gauges", "kind": "Gauge"},
        "versions": [version("v1", true, "limit"), version("v2", false, "maximum")],
        "conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": "hooks", "name": "server"}}}}}});
    let crds: Api<CustomResourceDefinition> = Api::all(cluster.client());
    crds.create(&PostParams::default(), &of(crd)).await.expect("a valid CRD");
    ["v1", "v2"].map(|version| {
        let kind = GroupVersionKind::gvk("example.com", version, "Gauge");
        Api::default_namespaced_with(cluster.client(), &ApiResource::from_gvk_with_plural(&kind, "gauges"))
    })
}

fn renames(request: kube::core::conversion::ConversionRequest) -> ConversionResponse {
    let (from, to) = if request.desired_api_version == "example.com/v2" {
        ("limit", "maximum")
    } else {
        ("maximum", "limit")
    };
    let mut objects = request.objects.clone();
    for object in &mut objects {
        object["apiVersion"] = request.desired_api_version.as_str().into();
        if let Some(spec) = object["spec"].as_object_mut()
            && let Some(value) = spec.remove(from)
        {
            spec.insert(to.to_owned(), value);
        }
    }
    ConversionResponse::for_request(request).success(objects)
}

#[tokio::test]
async fn a_conversion_webhook_serves_every_version() {
    let cluster = cluster().await;
    cluster.serve_webhooks("hooks", "server", conversion_webhook(|request| async move { renames(request) }));
    let [one, other] = gauges(&cluster).await;
    let gauge = json!({"apiVersion": "example.com/v2", "kind": "Gauge", "metadata": {"name": "a"}, "spec": {"maximum": "5"}});
    other.create(&PostParams::default(), &of(gauge)).await.expect("it is converted");
    assert_eq!(one.get("a").await.expect("v1").data["spec"], json!({"limit": "5"}));
    let patch = Patch::Merge(json!({"spec": {"limit": "6"}}));
    one.patch("a", &PatchParams::default(), &patch).await.expect("a patch in v1");
    assert_eq!(other.get("a").await.expect("v2").data["spec"], json!({"maximum": "6"}));
    let listed = other.list(&ListParams::default()).await.expect("a list in v2");
    assert_eq!(listed.items[0].data["spec"], json!({"maximum": "6"}));
}

#[tokio::test]
async fn a_conversion_that_renames_the_object_is_refused() {
    let cluster = cluster().await;
    let renaming = conversion_webhook(|request| async move {
        let mut objects = request.objects.clone();
        for object in &mut objects {
            object["apiVersion"] = request.desired_api_version.as_str().into();
            object["metadata"]["name"] = "other".into();
        }
        ConversionResponse::for_request(request).success(objects)
    });
    cluster.serve_webhooks("hooks", "server", renaming);
    let [one, other] = gauges(&cluster).await;
    let gauge = json!({"apiVersion": "example.com/v1", "kind": "Gauge", "metadata": {"name": "a"}, "spec": {"limit": "5"}});
    one.create(&PostParams::default(), &of(gauge)).await.expect("it is stored as it is");
    let status = refusal(other.get("a").await);
    assert!(
        status.message.ends_with(
            "conversion webhook for example.com/v1, Kind=Gauge returned invalid object: must have the same name: a \
             != other"
        ),
        "{}",
        status.message
    );
}

#[tokio::test]
async fn a_webhook_at_a_url_is_called_over_tls() {
    // A server that speaks TLS and asks for credentials stands in for a webhook that refuses.
    let elsewhere = FakeCluster::new();
    let server = elsewhere.serve(0).await.expect("a free port");
    let cluster = cluster().await;
    let at = |bundle: &str| {
        let bundle = base64_of(bundle);
        webhook(
            &json!({"clientConfig": {"url": format!("{}/api/v1/nodes", server.url()), "caBundle": bundle}}),
        )
    };
    validate(&cluster, &[at(server.ca_pem())]).await;
    let status = refusal(maps(&cluster).create(&PostParams::default(), &map("a")).await);
    assert!(
        status
            .message
            .ends_with("failed to call webhook: the server has asked for the client to provide credentials"),
        "{}",
        status.message
    );
    let other = FakeCluster::new().serve(0).await.expect("a free port");
    let api: Api<ValidatingWebhookConfiguration> = Api::all(cluster.client());
    let patch = Patch::Merge(json!({"webhooks": [at(other.ca_pem())]}));
    api.patch("c", &PatchParams::default(), &patch).await.expect("a valid configuration");
    let status = refusal(maps(&cluster).create(&PostParams::default(), &map("a")).await);
    assert!(status.message.contains("certificate"), "{}", status.message);
    server.stop().await;
    other.stop().await;
}

fn base64_of(text: &str) -> String {
    use k8s_openapi::ByteString;
    let encoded = serde_json::to_value(ByteString(text.as_bytes().to_vec())).expect("bytes");
    encoded.as_str().expect("base64").to_owned()
}

#[tokio::test]
async fn an_injected_container_gets_its_defaults() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            let sidecar = json!({"name": "sidecar", "image": "example.com/sidecar:1"});
            let patch = patched(json!([{"op": "add", "path": "/spec/containers/-", "value": sidecar}]));
            AdmissionResponse::from(&request).with_patch(patch).expect("a patch")
        }),
    );
    let rules =
        json!([{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]);
    mutate(&cluster, "m", &[webhook(&json!({"rules": rules}))]).await;
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(cluster.client());
    let pod = json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "example.com/c:1"}]}});
    let made = pods.create(&PostParams::default(), &of(pod)).await.expect("the sidecar is valid");
    let sidecar = &made.spec.expect("a spec").containers[1];
    assert_eq!(sidecar.termination_message_policy.as_deref(), Some("File"));
}

#[tokio::test]
async fn a_webhook_may_name_the_object() {
    let cluster = cluster().await;
    cluster.serve_webhooks(
        "hooks",
        "server",
        admission_webhook(|request| async move {
            let patch = patched(json!([{"op": "add", "path": "/metadata/name", "value": "given"}]));
            AdmissionResponse::from(&request).with_patch(patch).expect("a patch")
        }),
    );
    mutate(&cluster, "m", &[webhook(&json!({}))]).await;
    let map: ConfigMap = of(json!({"metadata": {"generateName": "a-"}}));
    maps(&cluster).create(&PostParams::default(), &map).await.expect("it has a name");
    maps(&cluster).get("given").await.expect("it is stored under the name that the webhook gave");
}

#[tokio::test]
async fn an_undecodable_patch_may_be_ignored() {
    let cluster = cluster().await;
    let rubbish = tower::service_fn(|request: http::Request<kube::client::Body>| async move {
        let body = http_body_util::BodyExt::collect(request.into_body()).await.expect("a body").to_bytes();
        let review: Value = serde_json::from_slice(&body).expect("a review");
        let answer = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": review["request"]["uid"], "allowed": true, "patchType": "JSONPatch", "patch": "not base64!"}});
        Ok::<_, std::convert::Infallible>(http::Response::new(answer.to_string()))
    });
    cluster.serve_webhooks("hooks", "server", rubbish);
    mutate(&cluster, "m", &[webhook(&json!({"failurePolicy": "Ignore"}))]).await;
    maps(&cluster).create(&PostParams::default(), &map("a")).await.expect("the failure is ignored");
}

#[test]
fn webhooks_among_the_initial_objects_do_not_stop_a_cluster_from_being_built() {
    let hook = webhook(&json!({"clientConfig": {"url": "https://127.0.0.1:1"}, "namespaceSelector": {}}));
    let configuration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "c"}, "webhooks": [hook]});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let error = FakeCluster::builder()
        .objects(&format!("{configuration}\n---\n{map}"))
        .build()
        .expect_err("it is met");
    assert!(error.to_string().contains("webhooks are not called while a cluster is built"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_at_a_url_is_awaited_in_real_time() {
    let cluster = cluster().await;
    let url = json!({"clientConfig": {"url": "https://127.0.0.1:1/review"}});
    validate(&cluster, &[webhook(&url)]).await;
    let status = refusal(maps(&cluster).create(&PostParams::default(), &map("a")).await);
    assert!(!status.message.contains("deadline"), "{}", status.message);
}
