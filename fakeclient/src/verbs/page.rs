//! Pagination of lists: revisions and continue tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::field::FieldError;
use crate::error::{ApiError, StatusCause, StatusDetails};
use crate::object::decode::text;
use crate::store::{Key, Revision};

/// The content of a continue token, in the form of apiserver's `storage.continueToken`.
#[derive(Debug, Serialize, Deserialize)]
struct ContinueToken {
    #[serde(rename = "v", default)]
    version: String,
    #[serde(rename = "rv", default)]
    revision: i64,
    #[serde(rename = "start", default)]
    start: String,
}

/// The revision of a [`ListPosition`] that continues at the current state; a token contains -1.
pub(crate) const CURRENT: Revision = Revision(u64::MAX);

/// The position at which a list continues.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListPosition {
    pub(crate) revision: Revision,
    /// The last key of the previous page, exclusive.
    pub(crate) after: Key,
}

impl ListPosition {
    /// The token for the next page of a list of `resource` (in `namespace`, unless that is empty).
    pub(crate) fn encode(&self, namespace: &str) -> String {
        let name = format!("{}\u{0}", self.after.name);
        let start = if namespace.is_empty() && !self.after.namespace.is_empty() {
            format!("{}/{name}", self.after.namespace)
        } else {
            name
        };
        let revision =
            if self.revision == CURRENT { -1 } else { i64::try_from(self.revision.0).unwrap_or(i64::MAX) };
        let token = ContinueToken { version: "meta.k8s.io/v1".into(), revision, start };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("a token can be serialised"))
    }

    /// Decodes a token. Errors have apiserver's texts.
    pub(crate) fn decode(
        text: &str,
        storage: &str,
        namespaced: bool,
        namespace: &str,
    ) -> Result<Self, ApiError> {
        const INVALID: &str = "invalid continue token: continue key is not valid";
        let fail = |why: String| Err(ApiError::bad_request(why));
        let bytes = match URL_SAFE_NO_PAD.decode(text) {
            Ok(bytes) => bytes,
            Err(error) => return fail(format!("{INVALID}: {}", go_base64(text, &error))),
        };
        let token: ContinueToken = match serde_json::from_slice(&bytes) {
            Ok(token) => token,
            Err(error) => return fail(format!("{INVALID}: {}", go_json(&bytes, &error))),
        };
        if token.version != "meta.k8s.io/v1" {
            return fail(format!(
                "{INVALID}: server does not recognize this encoded version {}",
                token.version
            ));
        }
        if token.revision == 0 {
            return fail(format!(
                "{INVALID}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
            ));
        }
        if token.start.is_empty() {
            return fail(format!("{INVALID}: encoded start key empty (version meta.k8s.io/v1)"));
        }
        if !is_clean(&token.start) {
            return fail(format!("{INVALID}: {}", token.start));
        }
        let start = token.start.trim_start_matches('/').trim_end_matches('\u{0}');
        let (namespace, name) = match start.split_once('/') {
            Some((namespace, name)) if namespaced && spans_namespaces(namespace) => (namespace, name),
            _ => (namespace, start),
        };
        let revision = u64::try_from(token.revision).map_or(CURRENT, Revision);
        Ok(Self { revision, after: Key::new(storage, namespace, name) })
    }
}

fn spans_namespaces(namespace: &str) -> bool {
    !namespace.is_empty()
}

/// True if Go's `path.Clean` leaves the key unchanged.
fn is_clean(key: &str) -> bool {
    let key = key.strip_prefix('/').unwrap_or(key);
    key.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn go_base64(text: &str, error: &base64::DecodeError) -> String {
    let at = match error {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => *at,
        _ => text.len(),
    };
    format!("illegal base64 data at input byte {at}")
}

fn go_json(bytes: &[u8], error: &serde_json::Error) -> String {
    text::parse(bytes).err().unwrap_or_else(|| error.to_string())
}

/// Parses a `resourceVersion` parameter.
pub(crate) fn parse_revision(text: &str) -> Result<Revision, ApiError> {
    if text.is_empty() {
        return Ok(Revision(0));
    }
    let numeric = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().map(Revision).map_err(|_| {
        let why = if numeric { "value out of range" } else { "invalid syntax" };
        let detail = format!("strconv.ParseUint: parsing {text:?}: {why}");
        let error = FieldError::invalid("resourceVersion", text.into(), detail);
        // A list answers 400; other requests 500 without a reason.
        ApiError::new(500, "", error.to_string())
    })
}

/// 504 for a future revision. The server waits three seconds for it, the fake does not wait.
pub(crate) fn check_not_in_future(asked: Revision, current: Revision) -> Result<(), ApiError> {
    if asked <= current {
        return Ok(());
    }
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let mut error = ApiError::timeout(message, 1);
    let cause = StatusCause {
        reason: "ResourceVersionTooLarge".into(),
        message: "Too large resource version".into(),
        field: String::new(),
    };
    error.details = Some(Box::new(StatusDetails {
        retry_after_seconds: 1,
        causes: vec![cause],
        ..StatusDetails::default()
    }));
    Err(error)
}

/// 410 for a page whose snapshot is compacted. The token in the Status continues at the same key of the then current
/// state.
pub(crate) fn expired_page(next: &ListPosition, namespace: &str) -> ApiError {
    let anytime = ListPosition { revision: CURRENT, after: next.after.clone() };
    let mut error = ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    error.continue_token = anytime.encode(namespace);
    error
}

/// 410 for a list at a compacted revision.
pub(crate) fn expired_list() -> ApiError {
    ApiError::expired("The resourceVersion for the provided list is too old.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_round_trips() {
        let place = ListPosition { revision: Revision(42), after: Key::new("pods", "a", "x") };
        let everywhere = place.encode("");
        assert_eq!(ListPosition::decode(&everywhere, "pods", true, "").expect("just made"), place);
        let within = place.encode("a");
        assert_eq!(ListPosition::decode(&within, "pods", true, "a").expect("just made"), place);
        let anytime = ListPosition { revision: CURRENT, ..place };
        assert_eq!(
            ListPosition::decode(&anytime.encode("a"), "pods", true, "a").expect("just made"),
            anytime
        );
    }

    #[test]
    fn token_outside_of_its_prefix_is_rejected() {
        let token = URL_SAFE_NO_PAD.encode(r#"{"v":"meta.k8s.io/v1","rv":1,"start":"../secrets"}"#);
        let error = ListPosition::decode(&token, "pods", true, "a").expect_err("climbs");
        assert_eq!(error.message, "invalid continue token: continue key is not valid: ../secrets");
    }

    #[test]
    fn invalid_revision_has_the_message_of_go() {
        let error = parse_revision("abc").expect_err("no number");
        assert_eq!(
            error.message,
            "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"
        );
    }
}
