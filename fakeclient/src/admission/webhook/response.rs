//! `AdmissionReview` responses: verification, denial and patch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::object::go_format::shown_kind;
use crate::object::view::fields::FieldAccess;

/// A verified response.
#[derive(Debug, PartialEq)]
pub(crate) struct AdmissionAnswer {
    pub(crate) allowed: bool,
    /// The JSON patch of a mutating webhook; empty without one.
    pub(crate) patch: Vec<u8>,
    pub(crate) patch_type: String,
    pub(crate) warnings: Vec<String>,
    /// `response.status`
    pub(crate) status: Value,
}

/// Verifies a response (apiserver's `VerifyAdmissionResponse`). The error follows "received invalid webhook response".
pub(crate) fn verify(
    review: &Value,
    version: &str,
    uid: &str,
    mutating: bool,
) -> Result<AdmissionAnswer, String> {
    let response = &review["response"];
    if !response.is_object() {
        return Err("webhook response was absent".to_owned());
    }
    let patch = bytes(&response["patch"])?;
    if !matches!(response.get("allowed"), None | Some(Value::Null | Value::Bool(_))) {
        return Err("response.allowed is no boolean".to_owned());
    }
    let patch_type = response.get("patchType").and_then(Value::as_str);
    if version == "v1" {
        if response.text("uid") != uid {
            return Err(format!("expected response.uid={uid:?}, got {:?}", response.text("uid")));
        }
        let (api_version, kind) = (review.text("apiVersion"), review.text("kind"));
        if (api_version, kind) != ("admission.k8s.io/v1", "AdmissionReview") {
            return Err(format!(
                "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got {}",
                shown_kind(api_version, kind)
            ));
        }
        if !mutating && !patch.is_empty() {
            return Err("validating webhook may not return response.patch".to_owned());
        }
        if !mutating && patch_type.is_some() {
            return Err("validating webhook may not return response.patchType".to_owned());
        }
        if !patch.is_empty() && patch_type.is_none() {
            return Err("webhook returned response.patch but not response.patchType".to_owned());
        }
        if patch.is_empty() && patch_type.is_some() {
            return Err("webhook returned response.patchType but not response.patch".to_owned());
        }
        if patch_type.is_some_and(str::is_empty) {
            return Err("webhook returned invalid response.patchType of \"\"".to_owned());
        }
    }
    let texts = response.list("warnings").iter().filter_map(Value::as_str).map(str::to_owned);
    Ok(AdmissionAnswer {
        allowed: response.flag("allowed") == Some(true),
        patch: if mutating { patch } else { Vec::new() },
        // In v1beta1, the type of a patch is not looked at.
        patch_type: patch_type.filter(|_| version == "v1").unwrap_or("JSONPatch").to_owned(),
        warnings: texts.collect(),
        status: response["status"].clone(),
    })
}

/// Go's `[]byte`: base64, or a list of numbers, as kube-rs writes it.
fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    let byte = |item: &Value| item.as_u64().and_then(|byte| u8::try_from(byte).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(byte).collect(),
        Value::String(text) => STANDARD.decode(text).ok(),
        _ => None,
    }
    .ok_or_else(|| "response.patch is not base64".to_owned())
}

/// The denial of a webhook: its Status, with a code and a message (apiserver's `ToStatusErr`).
pub(crate) fn denial(webhook: &str, status: &Value) -> ApiError {
    let denied = format!("admission webhook {webhook:?} denied the request");
    let message = match (status.text("message"), status.text("reason")) {
        ("", "") => format!("{denied} without explanation"),
        ("", why) | (why, _) => format!("{denied}: {why}"),
    };
    let code = status.number("code").and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
    let code = code.unwrap_or(400);
    let mut whole = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "code": code,
    });
    for key in ["reason", "details"] {
        if status.has(key) {
            whole[key] = status[key].clone();
        }
    }
    let mut error = ApiError::new(code, "", message);
    error.status = Some(Box::new(whole));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(response: &Value) -> Value {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
    }

    fn error(review: &Value, mutating: bool) -> String {
        verify(review, "v1", "u", mutating).expect_err("an invalid response")
    }

    #[test]
    fn response_must_belong_to_its_request() {
        assert_eq!(error(&json!({}), true), "webhook response was absent");
        assert_eq!(error(&review(&json!({"uid": "x"})), true), "expected response.uid=\"u\", got \"x\"");
        let bare = json!({"response": {"uid": "u"}});
        let expected = "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=";
        assert_eq!(error(&bare, false), expected);
    }

    #[test]
    fn patch_and_its_type_come_together_and_only_from_mutating_webhooks() {
        let patch = review(&json!({"uid": "u", "patch": "W10="}));
        assert_eq!(error(&patch, true), "webhook returned response.patch but not response.patchType");
        assert_eq!(error(&patch, false), "validating webhook may not return response.patch");
        let kind = review(&json!({"uid": "u", "patchType": "JSONPatch"}));
        assert_eq!(error(&kind, true), "webhook returned response.patchType but not response.patch");
    }

    #[test]
    fn denial_has_a_code_and_says_who_denied() {
        let message = |status: Value| denial("w.example.com", &status).message;
        let denied = "admission webhook \"w.example.com\" denied the request";
        assert_eq!(message(Value::Null), format!("{denied} without explanation"));
        assert_eq!(message(json!({"message": "no", "reason": "Bad"})), format!("{denied}: no"));
        assert_eq!(message(json!({"reason": "Bad"})), format!("{denied}: Bad"));
        assert_eq!(denial("w", &json!({"code": 200})).code, 400);
        assert_eq!(denial("w", &json!({"code": 403})).code, 403);
    }
}
