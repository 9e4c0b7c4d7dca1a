//! Specs of an operator's admission webhooks: one that pins images, and one that sets a label.
//!
//! `cargo run -p seatrial-e2e --example webhook` calls the handlers in this process and in virtual time.
//! `SEATRIAL_TIER=envtest cargo run -p seatrial-e2e --features envtest --example webhook` has a real kube-apiserver call
//! them over TLS. An operator passes its own `axum::Router`, and its own manifests.

use std::process::ExitCode;

use k8s_openapi::api::core::v1::Pod;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse};
use seatrial_e2e::matchers::{be_rejected, match_json};
use seatrial_e2e::{Cx, Failure, Need, Suite, admission_webhook};
use serde_json::json;

const MANIFESTS: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: images}
webhooks:
- name: images.example.com
  clientConfig: {service: {namespace: image-policy, name: webhook, path: /validate}}
  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  admissionReviewVersions: [v1]
  sideEffects: None
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: labels}
webhooks:
- name: labels.example.com
  clientConfig: {service: {namespace: image-policy, name: webhook, path: /mutate}}
  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  admissionReviewVersions: [v1]
  sideEffects: None
";

/// The operator's handler. A mutating review of this example is told from a validating one by the label.
async fn review(request: AdmissionRequest<DynamicObject>) -> AdmissionResponse {
    let response = AdmissionResponse::from(&request);
    let Some(pod) = request.object else { return response };
    let image =
        pod.data.pointer("/spec/containers/0/image").and_then(|image| image.as_str()).unwrap_or_default();
    if image.ends_with(":latest") {
        return response.deny(format!("{image}: pin the image's version"));
    }
    if pod.metadata.labels.is_some() {
        return response;
    }
    let patch = json!([{"op": "add", "path": "/metadata/labels", "value": {"checked": "true"}}]);
    let patch = serde_json::from_value(patch).expect("a JSON patch");
    response.with_patch(patch).expect("a patch can be serialised")
}

fn pod(image: &str) -> Result<Pod, Failure> {
    Ok(serde_json::from_value(json!({
        "metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": image}]}}))?)
}

fn suite(suite: &mut Suite) {
    suite.describe("Image policy", |s| {
        s.before_each(async |cx: &mut Cx| cx.webhooks(admission_webhook(review), MANIFESTS).await);
        s.it("refuses an image without a version", async |cx: &mut Cx| {
            let refused = cx.create(&pod("example.com/web:latest")?).await;
            // A denial without a reason of its own reads as `Unknown`.
            cx.expect(refused).to(be_rejected("Unknown").saying("pin the image's version"))
        })
        .needs(Need::Webhooks);
        s.it("labels what it has checked", async |cx: &mut Cx| {
            let made = cx.create(&pod("example.com/web:1.2.3")?).await?;
            cx.expect(made).to(match_json(json!({"metadata": {"labels": {"checked": "true"}}})))
        })
        .needs(Need::Webhooks);
    });
}

fn main() -> ExitCode {
    seatrial_e2e::run(suite)
}
