//! `MutatingAdmissionWebhook` and `ValidatingAdmissionWebhook`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::RemotePlugin;
use crate::admission::webhook::conditions::{self, Decision};
use crate::admission::webhook::matching::{is_exempt, webhook_matches};
use crate::admission::webhook::reinvocation::Reinvocation;
use crate::admission::webhook::response::{AdmissionAnswer, denial, verify};
use crate::admission::webhook::review;
use crate::error::ApiError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::decode::typed::{GoDecoder, TypedDecoder};
use crate::object::patch::document::{MergeSchema, Patch};
use crate::object::patch::outcome::FieldValidation;
use crate::object::view::fields::FieldAccess;
use crate::registry::webhook::{ClientConfig, WebhookCall};

/// Mutating webhooks.
#[derive(Debug)]
pub(crate) struct MutatingAdmissionWebhook;

/// Validating webhooks.
#[derive(Debug)]
pub(crate) struct ValidatingAdmissionWebhook;

/// Time limit of a webhook that sets none, in seconds (`admissionregistration/v1`).
const DEFAULT_TIMEOUT: i64 = 10;

impl RemotePlugin for MutatingAdmissionWebhook {
    fn admit<'a>(
        &'a self,
        attributes: &'a Attributes<'_>,
        object: &'a mut Value,
        rounds: &'a mut Reinvocation,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let webhooks =
                configured(attributes, "mutatingwebhookconfigurations.admissionregistration.k8s.io");
            if webhooks.is_empty() {
                return Ok(());
            }
            rounds.begin_webhooks(object);
            for (configuration, webhook) in webhooks {
                let id = format!("{configuration}/{}", webhook.text("name"));
                if rounds.skips(&id) || !webhook_matches(webhook, attributes, object) {
                    continue;
                }
                let answer = answer(attributes, webhook, object, true).await?;
                let changed = match answer {
                    Some(answer) => patch(attributes, webhook, object, &answer)?,
                    None => false,
                };
                rounds.called(&id, changed, webhook.text("reinvocationPolicy") == "IfNeeded");
            }
            rounds.end_webhooks(object);
            Ok(())
        })
    }
}

impl RemotePlugin for ValidatingAdmissionWebhook {
    fn validate<'a>(
        &'a self,
        attributes: &'a Attributes<'_>,
        object: &'a Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let webhooks =
                configured(attributes, "validatingwebhookconfigurations.admissionregistration.k8s.io");
            let matching = webhooks
                .into_iter()
                .map(|(_, webhook)| webhook)
                .filter(|webhook| webhook_matches(webhook, attributes, object));
            // All are asked at once, and the first error in their order is the answer.
            let answers = matching.map(|webhook| answer(attributes, webhook, object, false));
            for answer in futures::future::join_all(answers).await {
                answer?;
            }
            Ok(())
        })
    }
}

/// The webhooks of all configurations, with the configuration's name, in the order in which they are called.
fn configured<'a>(attributes: &Attributes<'a>, kind: &str) -> Vec<(&'a str, &'a Value)> {
    if is_exempt(attributes) {
        return Vec::new();
    }
    let configurations = attributes.store_view.list(kind, None);
    configurations
        .flat_map(|configuration| {
            let name = configuration["metadata"].text("name");
            configuration.list("webhooks").iter().map(move |webhook| (name, webhook))
        })
        .collect()
}

/// The answer of a webhook that allows the write. `None` if it is not asked, or fails and may be ignored.
async fn answer(
    attributes: &Attributes<'_>,
    webhook: &Value,
    object: &Value,
    mutating: bool,
) -> Result<Option<AdmissionAnswer>, ApiError> {
    let name = webhook.text("name");
    let uid = attributes.store_view.uid();
    let request = review::request(attributes, object, &uid);
    let ignores = webhook.text("failurePolicy") == "Ignore";
    match conditions::decide(webhook, &request) {
        Decision::Call => {}
        Decision::Skip => return Ok(None),
        Decision::Fail(_) if ignores => return Ok(None),
        Decision::Fail(why) => {
            let why = format!("failed to evaluate match conditions of webhook {name:?}: {why}");
            return Err(attributes.forbidden(object, &why));
        }
    }
    if attributes.store_view.dry_run() && !matches!(webhook.text("sideEffects"), "None" | "NoneOnDryRun") {
        return Err(ApiError::bad_request(format!("admission webhook {name:?} does not support dry run")));
    }
    let answer = match called(attributes, webhook, request, &uid, mutating).await {
        Ok(answer) => answer,
        Err(_) if ignores => return Ok(None),
        Err(why) => return Err(ApiError::internal(&format!("failed calling webhook {name:?}: {why}"))),
    };
    for text in &answer.warnings {
        attributes.warn(text.clone());
    }
    if !answer.allowed {
        return Err(denial(name, &answer.status));
    }
    Ok(Some(answer))
}

/// Calls a webhook. The error follows "failed calling webhook".
async fn called(
    attributes: &Attributes<'_>,
    webhook: &Value,
    request: Value,
    uid: &str,
    mutating: bool,
) -> Result<AdmissionAnswer, String> {
    let version = review::version(webhook).ok_or(
        "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
    )?;
    let body = json!({
        "kind": "AdmissionReview", "apiVersion": format!("admission.k8s.io/{version}"), "request": request,
    });
    let config = ClientConfig::of(&webhook["clientConfig"]);
    let service_exists = config
        .service
        .as_ref()
        .is_none_or(|(namespace, name)| attributes.store_view.get("services", namespace, name).is_some());
    let seconds = webhook.number("timeoutSeconds").unwrap_or(DEFAULT_TIMEOUT);
    let call = WebhookCall {
        config: &config,
        service_exists,
        body: Bytes::from(body.to_string()),
        timeout: Duration::from_secs(seconds.unsigned_abs()),
    };
    let caller = attributes.webhooks.expect("writes have a caller of webhooks");
    let answered = caller.call(call).await.map_err(|why| format!("failed to call webhook: {why}"))?;
    let review: Value = serde_json::from_slice(&answered)
        .map_err(|_| "failed to call webhook: the server returned something that is no JSON".to_owned())?;
    verify(&review, version, uid, mutating).map_err(|why| format!("received invalid webhook response: {why}"))
}

/// Applies the patch of an answer. Returns true if it changed the object.
fn patch(
    attributes: &Attributes<'_>,
    webhook: &Value,
    object: &mut Value,
    answer: &AdmissionAnswer,
) -> Result<bool, ApiError> {
    if answer.patch.is_empty() {
        return Ok(false);
    }
    let name = webhook.text("name");
    let failed = |why: &str| ApiError::internal(&format!("failed calling webhook {name:?}: {why}"));
    if answer.patch_type != "JSONPatch" {
        return Err(failed(&format!("unsupported patch type {:?}", answer.patch_type)));
    }
    let operations: Value = serde_json::from_slice(&answer.patch)
        .map_err(|why| failed(&format!("received undecodable patch in webhook response: {why}")))?;
    if operations.as_array().is_some_and(Vec::is_empty) {
        return Ok(false);
    }
    if attributes.operation == Operation::Delete {
        let why = format!(
            "admission webhook {name:?} attempted to modify the object, which is not supported for this operation"
        );
        return Err(ApiError::internal(&why));
    }
    let patch = Patch::read("application/json-patch+json", &answer.patch, false)?;
    let schema = MergeSchema { component: None, components: &BuiltinSchemas };
    let patched = patch
        .apply(object, schema, FieldValidation::Ignore)
        .map_err(|error| ApiError::internal(&error.message))?;
    let new = decoded(attributes, patched.object)?;
    let changed = new != *object;
    *object = new;
    Ok(changed)
}

/// A patched object as its Go type; a custom resource has none.
fn decoded(attributes: &Attributes<'_>, patched: Value) -> Result<Value, ApiError> {
    let Some(component) = attributes.resource.component() else { return Ok(patched) };
    let mut reading = TypedDecoder::new(&BuiltinSchemas, GoDecoder::Json);
    let mut object = reading.read(component, &patched).expect("a value can always be read");
    if let Some(why) = reading.abort.or(reading.failure) {
        return Err(ApiError::internal(&why));
    }
    object["apiVersion"] = attributes.resource.api_version().into();
    object["kind"] = attributes.resource.kind.as_str().into();
    Ok(object)
}
