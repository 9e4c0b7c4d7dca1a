//! Result of patches, and their common errors.

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::FieldError;

/// Media types of patches, in the order in which the server lists them.
pub(crate) const PATCH_TYPES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// `fieldValidation`: the handling of unknown and duplicate fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Drops them.
    Ignore,
    /// Drops them and adds a `Warning` header for each (the default).
    #[default]
    Warn,
    /// Fails the request.
    Strict,
}

/// A patched object before it is decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Patched {
    /// The object after the patch.
    pub(crate) object: Value,
    /// Findings of strict validation in the patch itself, such as `duplicate field "spec.a"`. They precede those of the
    /// decoded object.
    pub(crate) remarks: Vec<String>,
    /// The value in decode errors, if that is not the result.
    pub(crate) patch_shown: Option<String>,
}

impl Patched {
    /// A result that decode errors show as it is.
    pub(crate) fn new(object: Value, remarks: Vec<String>) -> Self {
        Self { object, remarks, patch_shown: None }
    }

    /// 422 for a result that cannot be decoded, or not strictly.
    pub(crate) fn undecodable(&self, why: &str) -> ApiError {
        match &self.patch_shown {
            Some(shown) => undecodable(shown, why),
            None => undecodable(&self.object.to_string(), why),
        }
    }
}

/// 422 for a well-formed patch that cannot be applied, with the server's message, which has no details.
pub(crate) fn inapplicable() -> ApiError {
    let mut error =
        ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request");
    error.details = Some(Box::default());
    error
}

/// 422 for a result (`shown` as the server prints it) that cannot be decoded, or not strictly.
pub(crate) fn undecodable(shown: &str, why: &str) -> ApiError {
    ApiError::invalid("", "", "", &[FieldError::invalid("patch", shown.into(), why)])
}

/// 415 for an unsupported patch type. For custom resources, the message lists the supported ones, without strategic
/// merge patch; for built-in kinds, it is go-restful's.
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
    fn custom_resource_does_not_support_strategic_merge_patch() {
        let error = unsupported_type(true);
        assert_eq!(error.code, 415);
        assert_eq!(
            error.message,
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        );
    }

    #[test]
    fn decode_error_shows_the_patch() {
        let status = undecodable("[]", "strict decoding error: unknown field \"zz\"").to_status();
        assert_eq!(
            status["message"],
            " \"\" is invalid: patch: Invalid value: \"[]\": strict decoding error: unknown field \"zz\""
        );
        assert_eq!(status["details"]["causes"][0]["field"], "patch");
    }
}
