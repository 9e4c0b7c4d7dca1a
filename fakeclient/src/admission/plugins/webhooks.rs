//! `MutatingAdmissionWebhook` and `ValidatingAdmissionWebhook`.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::RemotePlugin;
use crate::admission::webhook::conditions::{self, Decision};
use crate::admission::webhook::matching::{Match, is_exempt, webhook_match};
use crate::admission::webhook::reinvocation::Reinvocation;
use crate::admission::webhook::response::{AdmissionAnswer, denial, verify};
use crate::admission::webhook::review;
use crate::error::ApiError;
use crate::kinds::defaults;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::decode::typed::{GoDecoder, TypedDecoder};
use crate::object::patch::document::{MergeSchema, Patch};
use crate::object::patch::outcome::FieldValidation;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::view::fields::FieldAccess;
use crate::registry::webhook::{ClientConfig, WebhookCall, review_version};

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
                if rounds.skips(&id) || !meets(webhook, attributes, object)? {
                    continue;
                }
                let changed = match answer(attributes, webhook, object, true).await? {
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
            let mut matching = Vec::new();
            for (_, webhook) in webhooks {
                if meets(webhook, attributes, object)? {
                    matching.push(webhook);
                }
            }
            // All are asked at once, and the first error in their order is the answer.
            let answers = matching.into_iter().map(|webhook| answer(attributes, webhook, object, false));
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

/// True if a webhook meets the write. 501 for what is not modelled.
fn meets(webhook: &Value, attributes: &Attributes<'_>, object: &Value) -> Result<bool, ApiError> {
    let name = webhook.text("name");
    let not_modelled = |what: &str| {
        Err(ApiError::not_modelled(&format!("{what} (this request would go to the webhook {name:?})")))
    };
    match webhook_match(webhook, attributes, object) {
        Match::No => Ok(false),
        Match::Equivalent => not_modelled("reviews of an equivalent version"),
        Match::Yes if attributes.subresource == "scale" => not_modelled("reviews of a Scale"),
        Match::Yes if conditions::use_authorizer(webhook) => {
            not_modelled("the authorizer in match conditions")
        }
        Match::Yes => Ok(true),
    }
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
    let version = review_version(webhook.list("admissionReviewVersions")).ok_or(
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
    let answer = verify(&review, version, uid, mutating)
        .map_err(|why| format!("received invalid webhook response: {why}"))?;
    if !answer.patch.is_empty() && answer.allowed {
        if answer.patch_type != "JSONPatch" {
            return Err(format!("unsupported patch type {:?}", answer.patch_type));
        }
        serde_json::from_slice::<Vec<Value>>(&answer.patch)
            .map_err(|why| format!("received undecodable patch in webhook response: {why}"))?;
    }
    Ok(answer)
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
    if answer.patch.trim_ascii() == b"[]" {
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
    let patched = patch.apply(object, schema, FieldValidation::Ignore).map_err(|error| {
        let shown = String::from_utf8_lossy(&answer.patch);
        ApiError::internal(&format!(
            "the patch of webhook {name:?} does not apply: {shown}: {}",
            error.message
        ))
    })?;
    let new = decoded(attributes, patched.object)?;
    let changed = new != *object;
    *object = new;
    Ok(changed)
}

/// A patched object as its Go type, or pruned by its schema, with defaults.
fn decoded(attributes: &Attributes<'_>, mut object: Value) -> Result<Value, ApiError> {
    let resource = attributes.resource;
    match &resource.schema {
        ResourceSchema::Builtin { component } => {
            let mut reading = TypedDecoder::new(&BuiltinSchemas, GoDecoder::Json);
            let read = reading.read(component, &object).expect("a value can always be read");
            if let Some(why) = reading.abort.or(reading.failure) {
                return Err(ApiError::internal(&why));
            }
            object = read;
            object["apiVersion"] = resource.api_version().into();
            object["kind"] = resource.kind.as_str().into();
        }
        ResourceSchema::Custom { schema } => {
            let same_kind = resource.has_version_of(&object) && object.text("kind") == resource.kind;
            if !same_kind || !object["metadata"].is_object() {
                return Err(ApiError::internal("a webhook's patch must keep apiVersion, kind and metadata"));
            }
            schema.prune(&mut object);
        }
    }
    defaults::of_resource(resource, &mut object);
    Ok(object)
}
