//! What every patch gives, and the errors that all of them share. It does not know how a patch is applied.

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::FieldError;

/// Documents that may change an object, in the order in which the server lists them.
pub(crate) const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// `fieldValidation` of a request: what happens with fields that are unknown or given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped with a `Warning` header for each (the default).
    #[default]
    Warn,
    /// They fail the request.
    Strict,
}

/// A patched object, not yet decoded again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patched {
    /// The object as the patch leaves it.
    pub(crate) object: Value,
    /// What a strict reader objects to in the patch itself, such as `duplicate field "spec.a"`. They come before
    /// what decoding the object finds.
    pub(crate) remarks: Vec<String>,
    /// What an error about decoding the result shows, where that is not the result.
    pub(crate) patch_shown: Option<String>,
}

impl Patched {
    /// A result that errors show as it is.
    pub(crate) fn new(object: Value, remarks: Vec<String>) -> Self {
        Self { object, remarks, patch_shown: None }
    }

    /// 422 because the result cannot be decoded, or not strictly.
    pub(crate) fn undecodable(&self, why: &str) -> ApiError {
        match &self.patch_shown {
            Some(shown) => undecodable(shown, why),
            None => undecodable(&self.object.to_string(), why),
        }
    }
}

/// 422 for a patch that is well formed and cannot be applied: the server's text says nothing more.
pub(crate) fn inapplicable() -> ApiError {
    let mut error =
        ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request");
    error.details = Some(Box::default());
    error
}

/// 422 for a patch whose result (`shown`, as the server prints it) cannot be decoded, or not strictly.
pub(crate) fn undecodable(shown: &str, why: &str) -> ApiError {
    ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown.into(), why)])
}

/// 415 for a patch of another type than the resource takes. Custom resources take no strategic merge patch and list
/// what they take; the router of the built-in kinds has no words but HTTP's.
pub(crate) fn unsupported_type(custom: bool) -> ApiError {
    if !custom {
        let mut error = ApiError::unsupported_media_type("415: Unsupported Media Type");
        error.details = Some(Box::default());
        return error;
    }
    let taken: Vec<_> = PATCH_TYPES.iter().filter(|t| !t.contains("strategic")).copied().collect();
    ApiError::unsupported_media_type(format!(
        "the body of the request was in an unknown format - accepted media types include: {}",
        taken.join(", ")
    ))
}

/// The Go name of a JSON value's type, as `encoding/json` prints it.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_resource_does_not_offer_strategic_merge_patch() {
        let error = unsupported_type(true);
        assert_eq!(error.code, 415);
        assert_eq!(
            error.message,
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        );
    }

    #[test]
    fn a_result_that_cannot_be_decoded_is_shown_as_the_patch() {
        let status = undecodable("[]", "strict decoding error: unknown field \"zz\"").to_status();
        assert_eq!(
            status["message"],
            " \"\" is invalid: patch: Invalid value: \"[]\": strict decoding error: unknown field \"zz\""
        );
        assert_eq!(status["details"]["causes"][0]["field"], "patch");
    }
}
