//! Webhooks on a TLS socket of this machine, for an API server in another process.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse};
use seatrial_fakeclient::{WebhookServer, WebhookService, admission_webhook};
use serde_json::{Value, json};

use super::{client_configs, is_configuration};
use crate::context::Cx;
use crate::failure::{Failure, SpecResult};

/// Label of the ConfigMaps that the probe's webhook denies.
const PROBE_LABEL: &str = "seatrial.dev/webhook-probe";

/// The words of the denial.
const PROBE_ANSWER: &str = "the webhooks of the spec are called";

/// Attempts of the probe, and the time between two.
const PROBES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// Installs the objects with a server of this process in place of their Services, and waits until the API server calls
/// their webhooks.
pub(super) async fn install(cx: &Cx, service: impl WebhookService, mut objects: Vec<Value>) -> SpecResult {
    if objects.iter().any(|object| object["kind"] == "CustomResourceDefinition") {
        return Err(Failure::nowhere(
            "installing webhooks: a CRD is shared by the specs of this tier; set its conversion before the specs, or \
             have it among the manifests on tier fake alone"
                .to_owned(),
        ));
    }
    let server = WebhookServer::start(service).await?;
    let denying = |request: AdmissionRequest<DynamicObject>| async move {
        AdmissionResponse::from(&request).deny(PROBE_ANSWER)
    };
    let probe = WebhookServer::start(admission_webhook(denying)).await?;
    let bundle = STANDARD.encode(server.ca_pem());
    let mut kinds = Vec::new();
    for object in &mut objects {
        for config in client_configs(object) {
            let path = config["service"]["path"].as_str().unwrap_or_default().trim_start_matches('/');
            *config = json!({"url": format!("{}/{path}", server.url()), "caBundle": bundle});
        }
        if is_configuration(object) {
            let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
            let kind = format!("{kind}-{}", kinds.len());
            if let Some(webhooks) = object["webhooks"].as_array_mut() {
                webhooks.insert(0, probing(&kind, &probe, &cx.namespace));
            }
            kinds.push(kind);
        }
        cx.install(object).await?;
    }
    // They serve until the spec ends.
    cx.keep((server, probe));
    for kind in kinds {
        wait_for_calls(cx, &kind).await?;
    }
    Ok(())
}

/// A webhook that denies the probe's ConfigMaps.
fn probing(kind: &str, probe: &WebhookServer, namespace: &str) -> Value {
    json!({
        "name": "probe.webhooks.seatrial.dev", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": probe.url(), "caBundle": STANDARD.encode(probe.ca_pem())},
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {PROBE_LABEL: kind}},
    })
}

/// Waits until the API server calls the probe of a configuration, and so the webhooks beside it: it reads
/// configurations a moment after they are stored.
async fn wait_for_calls(cx: &Cx, kind: &str) -> SpecResult {
    let maps: Api<ConfigMap> = Api::namespaced(cx.client.clone(), &cx.namespace);
    let object: ConfigMap = serde_json::from_value(json!({
        "metadata": {"generateName": "webhook-probe-", "labels": {PROBE_LABEL: kind}}}))?;
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    for _ in 0..PROBES {
        match maps.create(&dry_run, &object).await {
            Err(kube::Error::Api(status)) if status.message.contains(PROBE_ANSWER) => return Ok(()),
            // Another webhook of the spec may have denied it first.
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(Failure::nowhere(format!(
        "the API server does not call the webhooks of a {kind} 10 s after it was installed"
    )))
}
