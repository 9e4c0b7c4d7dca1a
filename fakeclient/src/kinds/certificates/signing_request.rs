//! `CertificateSigningRequest`: identity of the requester, and an immutable spec.
//!
//! The PEM block is validated; the certificate request in it is not parsed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::names::NameRule;
use crate::object::view::fields::{FieldAccess, copy, object_mut, remove, set};
use crate::registry::strategy::{
    CreateStrategy, DeleteStrategy, StatusStrategy, StoreView, Strategy, UpdateStrategy,
};
use crate::registry::user;

const BEGIN: &str = "-----BEGIN CERTIFICATE REQUEST-----";
const END: &str = "-----END CERTIFICATE REQUEST-----";

/// Fields of the spec with the requester's identity, which only the server writes.
const REQUESTER_FIELDS: [&str; 4] = ["username", "uid", "groups", "extra"];

/// Minimum `expirationSeconds`.
const MIN_EXPIRATION_SECONDS: i64 = 600;

/// `certificatesigningrequests.certificates.k8s.io`
#[derive(Debug)]
pub(crate) struct CertificateSigningRequest;

impl Strategy for CertificateSigningRequest {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn apply_defaults(&self, object: &mut Value) {
        object_mut(object, "status");
    }

    fn allocate(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        store_view: &dyn StoreView,
    ) -> Result<(), ApiError> {
        if old.is_none() {
            let spec = object_mut(object, "spec");
            set(spec, "username", store_view.user());
            set(spec, "groups", user::groups(store_view.user()));
        }
        Ok(())
    }
}

impl CreateStrategy for CertificateSigningRequest {
    fn prepare_create(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        for field in REQUESTER_FIELDS {
            remove(spec, field);
        }
        set(object, "status", json!({}));
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let (spec, path) = (&object["spec"], Path::new("spec"));
        let mut errors = Vec::new();
        if !is_certificate_request_pem(spec.text("request")) {
            let why = "PEM block type must be CERTIFICATE REQUEST";
            errors.push(FieldError::invalid(path.child("request"), spec["request"].clone(), why));
        }
        if spec.list("usages").is_empty() {
            errors.push(FieldError::required(path.child("usages"), ""));
        }
        let life = spec.number("expirationSeconds");
        if let Some(seconds) = life.filter(|seconds| *seconds < MIN_EXPIRATION_SECONDS) {
            let why = "may not specify a duration less than 600 seconds (10 minutes)";
            errors.push(FieldError::invalid(path.child("expirationSeconds"), seconds.into(), why));
        }
        errors
    }
}

impl UpdateStrategy for CertificateSigningRequest {
    fn prepare_update(&self, object: &mut Value, old: &Value) {
        copy(old, object, "spec");
    }
}

impl StatusStrategy for CertificateSigningRequest {}
impl DeleteStrategy for CertificateSigningRequest {}

/// True if base64 text contains a PEM block of type `CERTIFICATE REQUEST`.
fn is_certificate_request_pem(base64: &str) -> bool {
    let pem = STANDARD.decode(base64).unwrap_or_default();
    let pem = String::from_utf8_lossy(&pem);
    let block = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    block.is_some_and(|(body, _)| STANDARD.decode(body.split_whitespace().collect::<String>()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_a_pem_block_of_the_right_type() {
        let pem =
            |kind: &str| STANDARD.encode(format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n"));
        assert!(is_certificate_request_pem(&pem("CERTIFICATE REQUEST")));
        assert!(
            !is_certificate_request_pem(&pem("CERTIFICATE"))
                && !is_certificate_request_pem("eA==")
                && !is_certificate_request_pem("?")
        );
    }

    #[test]
    fn usages_are_required_and_short_expiration_is_rejected() {
        let texts: Vec<String> = CertificateSigningRequest
            .validate_create(&json!({"spec": {"request": "eA==", "expirationSeconds": 5}}))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert_eq!(texts[1], "spec.usages: Required value");
    }
}
