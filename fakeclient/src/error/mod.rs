//! `ApiError`: the failure of a request, and its conversion to a `metav1.Status`.
//!
//! The constructors have the names and texts of apimachinery's `api/errors` (Kubernetes 1.37), because clients match
//! `reason` and show `message`. No other module builds a Status.

pub(crate) mod field;
pub(crate) mod path;
pub(crate) mod warnings;

use std::fmt;

use serde_json::{Map, Value, json};

use field::{FieldError, aggregate, go_quoted};

/// The failure of a request, as kube-apiserver reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// HTTP status code, repeated in the Status.
    pub code: u16,
    /// `metav1.StatusReason`; empty if the server sets none.
    pub reason: &'static str,
    /// Human-readable message.
    pub message: String,
    /// `metav1.StatusDetails`, if the server sets them.
    pub details: Option<Box<StatusDetails>>,
    /// The whole Status, where an admission webhook wrote it.
    pub status: Option<Box<Value>>,
    /// `metadata.continue`: the token to continue a list whose pages have expired. Empty for other failures.
    pub continue_token: String,
}

/// `metav1.StatusDetails`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusDetails {
    /// Name of the object.
    pub name: String,
    /// API group of the kind.
    pub group: String,
    /// Despite its name in Kubernetes, usually the plural resource; the kind for `Invalid`.
    pub kind: String,
    /// UID of the object.
    pub uid: String,
    /// One cause per field error.
    pub causes: Vec<StatusCause>,
    /// Delay before a retry in seconds; 0 if unset.
    pub retry_after_seconds: u32,
}

/// `metav1.StatusCause`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatusCause {
    /// `metav1.CauseType`, such as `FieldValueRequired`.
    pub reason: String,
    /// The error of the field.
    pub message: String,
    /// Path of the field, such as `spec.containers[0].image`.
    pub field: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.message, self.code, self.reason)
    }
}

impl std::error::Error for ApiError {}

/// Group and plural of a resource as in error messages: `pods`, `deployments.apps`.
pub(crate) fn qualified(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

impl ApiError {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            status: None,
            continue_token: String::new(),
        }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let (name, group, kind) = (name.into(), group.into(), kind.into());
        self.details = Some(Box::new(StatusDetails { name, group, kind, ..StatusDetails::default() }));
        self
    }

    /// 404: the object does not exist.
    pub fn not_found(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {} not found", qualified(group, resource), go_quoted(name));
        Self::new(404, "NotFound", message).about(group, resource, name)
    }

    /// 405: the resource has no such verb.
    pub(crate) fn unsupported_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut error = Self::new(405, "MethodNotAllowed", message);
        error.details = Some(Box::default());
        error
    }

    /// 404: nothing is served at this path (apiserver's generic text, without a name).
    pub fn no_such_path() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Some(Box::default());
        error
    }

    /// 409: an object with the name exists.
    pub fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let message = format!("{} {} already exists", qualified(group, resource), go_quoted(name));
        Self::new(409, "AlreadyExists", message).about(group, resource, name)
    }

    /// 409: the write is based on an outdated state.
    pub fn conflict(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", qualified(group, resource));
        Self::new(409, "Conflict", message).about(group, resource, name)
    }

    /// 409 with the message of a failed optimistic lock.
    pub fn stale(group: &str, resource: &str, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, resource, name, why)
    }

    /// 400: the request is malformed.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 403: the request is rejected. An empty `name` prints as `""`.
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{} is forbidden: {why}", qualified(group, resource))
        } else {
            format!("{} \"{name}\" is forbidden: {why}", qualified(group, resource))
        };
        Self::new(403, "Forbidden", message).about(group, resource, name)
    }

    /// 422: the object is invalid, with one cause per field error.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified_kind = qualified(group, kind);
        let message = match aggregate(errors) {
            Some(text) => format!("{qualified_kind} \"{name}\" is invalid: {text}"),
            None => format!("{qualified_kind} \"{name}\" is invalid"),
        };
        let mut error = Self::new(422, "Invalid", message).about(group, kind, name);
        if let Some(details) = &mut error.details {
            details.causes = errors
                .iter()
                .map(|e| StatusCause {
                    reason: e.kind.reason().into(),
                    message: e.body(),
                    field: e.field.clone(),
                })
                .collect();
        }
        error
    }

    /// 405: the resource has no such verb.
    pub fn method_not_allowed(group: &str, resource: &str, verb: &str) -> Self {
        let message =
            format!("{verb} is not supported on resources of kind \"{}\"", qualified(group, resource));
        Self::new(405, "MethodNotAllowed", message).about(group, resource, "")
    }

    /// 406: no supported form of the response is acceptable.
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(406, "NotAcceptable", message)
    }

    /// 415: the media type of the body is not supported.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 410 with reason `Expired`: the requested revision is compacted.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 410 with reason `Gone`: a watch or a list from a compacted revision.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Gone", message)
    }

    /// 413: the body exceeds the server's limit.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// 429: the client should retry after the given number of seconds.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut error = Self::new(429, "TooManyRequests", message);
        error.details = Some(Box::new(StatusDetails { retry_after_seconds, ..StatusDetails::default() }));
        error
    }

    /// 500 with apimachinery's prefix before the cause.
    pub fn internal(cause: &str) -> Self {
        let mut error = Self::new(500, "InternalError", format!("Internal error occurred: {cause}"));
        let cause = StatusCause { message: cause.into(), ..StatusCause::default() };
        error.details = Some(Box::new(StatusDetails { causes: vec![cause], ..StatusDetails::default() }));
        error
    }

    /// 504: the requested revision does not exist yet.
    pub fn timeout(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut error = Self::new(504, "Timeout", message);
        error.details = Some(Box::new(StatusDetails { retry_after_seconds, ..StatusDetails::default() }));
        error
    }

    /// 501: kube-apiserver supports this, the fake does not. `what` names it in the message.
    pub fn not_modelled(what: &str) -> Self {
        Self::new(
            501,
            "NotImplemented",
            format!("seatrial-fakeclient does not model {what}; run this on the envtest tier"),
        )
    }

    /// The `metav1.Status` of this error.
    pub fn to_status(&self) -> Value {
        if let Some(status) = &self.status {
            return (**status).clone();
        }
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        let map = status.as_object_mut().expect("a Status is an object");
        if !self.reason.is_empty() {
            map.insert("reason".into(), self.reason.into());
        }
        if !self.continue_token.is_empty() {
            map.insert("metadata".into(), json!({"continue": self.continue_token}));
        }
        if let Some(details) = &self.details {
            map.insert("details".into(), details.to_value());
        }
        status
    }
}

impl StatusDetails {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        let mut text = |key: &str, value: &str| {
            if !value.is_empty() {
                map.insert(key.into(), value.into());
            }
        };
        text("name", &self.name);
        text("group", &self.group);
        text("kind", &self.kind);
        text("uid", &self.uid);
        if !self.causes.is_empty() {
            map.insert("causes".into(), self.causes.iter().map(StatusCause::to_value).collect());
        }
        if self.retry_after_seconds > 0 {
            map.insert("retryAfterSeconds".into(), self.retry_after_seconds.into());
        }
        Value::Object(map)
    }
}

impl StatusCause {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, value) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !value.is_empty() {
                map.insert(key.into(), value.as_str().into());
            }
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::FieldError;

    #[test]
    fn not_found_contains_the_group() {
        let status = ApiError::not_found("apps", "deployments", "web").to_status();
        assert_eq!(status["message"], "deployments.apps \"web\" not found");
        assert_eq!(status["details"], json!({"name": "web", "group": "apps", "kind": "deployments"}));
    }

    #[test]
    fn invalid_has_a_cause_per_field_error() {
        let errors = [
            FieldError::required("spec.a", "must be set"),
            FieldError::invalid("spec.b", json!(3), "must be even"),
        ];
        let error = ApiError::invalid("example.com", "Widget", "w", &errors);
        assert_eq!(
            error.message,
            "Widget.example.com \"w\" is invalid: [spec.a: Required value: must be set, spec.b: Invalid value: 3: must be even]"
        );
        let status = error.to_status();
        assert_eq!(status["details"]["causes"][1]["reason"], "FieldValueInvalid");
        assert_eq!(status["details"]["causes"][1]["message"], "Invalid value: 3: must be even");
    }
}
