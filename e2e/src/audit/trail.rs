//! Requests read from an audit log: user, verb, resource and the authorizer's decision.
//!
//! Pure. It knows the log's format (`audit.k8s.io/v1`, one event a line) and nothing of rules.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The requests in an audit log, in its order.
#[derive(Clone, Default)]
pub struct Trail {
    requests: Vec<Request>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// On whose behalf: the impersonated user, where there is one.
    pub user: String,
    /// RBAC's verb: `list`, `patch`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource with its subresource, as rules name it: `machines/status`. Empty where the path is no resource.
    pub resource: String,
    /// The namespace, if there is one.
    pub namespace: String,
    /// The object's name, if the request names one.
    pub name: String,
    /// The path with its query.
    pub uri: String,
    /// True if the authorizer refused it. A request that was refused later, by admission or by the object's own
    /// rules, was not denied.
    pub denied: bool,
    /// True if a patch or an update made its object: the server asks for the right to `create` as well then.
    pub created: bool,
    /// The rule that allowed it, or the reason for its denial.
    pub reason: String,
}

/// An audit log that cannot be read as one.
#[derive(Debug, thiserror::Error)]
#[error("failed to read line {line} of an audit log ({source}); check that the file is an audit log in JSON")]
pub struct AuditError {
    line: usize,
    source: serde_json::Error,
}

/// Short: a matcher tells which of the requests are of interest.
impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a trail of {} requests", self.requests.len())
    }
}

impl Trail {
    /// Reads a log. A last line without its end is still being written, and left out.
    pub fn parse(log: &str) -> Result<Self, AuditError> {
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let lines = whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let requests = lines.map(|(index, line)| {
            let event: Event =
                serde_json::from_str(line).map_err(|source| AuditError { line: index + 1, source })?;
            Ok(event.into())
        });
        Ok(Self { requests: requests.collect::<Result<_, _>>()? })
    }

    /// Only the requests of one user, such as `system:serviceaccount:fleet:operator`.
    #[must_use]
    pub fn of(&self, user: &str) -> Self {
        self.that(|request| request.user == user)
    }

    /// Only the requests that `keep` keeps.
    #[must_use]
    pub fn that(&self, keep: impl Fn(&Request) -> bool) -> Self {
        Self { requests: self.requests.iter().filter(|request| keep(request)).cloned().collect() }
    }

    /// The requests.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Matches collections of this length.
    pub fn len(&self) -> usize {
        self.requests.len()
    }
}

/// An event of the log, as far as it matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default, rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: AuditUser,
    impersonated_user: Option<AuditUser>,
    object_ref: Option<ObjectRef>,
    #[serde(default)]
    response_status: Value,
    #[serde(default)]
    annotations: Value,
}

#[derive(Deserialize)]
struct AuditUser {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    api_group: String,
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let object = event.object_ref.unwrap_or_default();
        let note = |key: &str| event.annotations[key].as_str().map(str::to_owned);
        let decision = note("authorization.k8s.io/decision");
        let denied = match decision.as_deref() {
            Some(decision) => decision != "allow",
            // Before authorization there is no decision; what ends there with 403 was denied by somebody else.
            None => event.response_status["code"] == 403,
        };
        let resource = if object.subresource.is_empty() {
            object.resource
        } else {
            format!("{}/{}", object.resource, object.subresource)
        };
        let created = event.verb != "create" && event.response_status["code"] == 201;
        Self {
            user: event.impersonated_user.unwrap_or(event.user).username,
            verb: event.verb,
            group: object.api_group,
            resource,
            namespace: object.namespace,
            name: object.name,
            uri: event.request_uri,
            denied,
            created,
            reason: note("authorization.k8s.io/reason").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(user: &str, code: u16, decision: Option<&str>) -> Value {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
            "requestURI": "/apis/fleet.example.com/v1/namespaces/demo/machines/a/status", "verb": "update",
            "user": {"username": user}, "responseStatus": {"metadata": {}, "code": code},
            "objectRef": {
                "resource": "machines", "subresource": "status", "namespace": "demo", "name": "a",
                "apiGroup": "fleet.example.com", "apiVersion": "v1",
            },
            "annotations": {"authorization.k8s.io/decision": decision, "authorization.k8s.io/reason": "because"},
        })
    }

    fn log(events: &[Value]) -> String {
        events.iter().map(|event| format!("{event}\n")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_request_is_named_as_rules_name_it() {
        let trail = Trail::parse(&log(&[event("operator", 200, Some("allow"))])).unwrap();
        let request = &trail.requests()[0];
        assert_eq!(
            (request.group.as_str(), request.resource.as_str(), request.verb.as_str()),
            ("fleet.example.com", "machines/status", "update")
        );
        assert!(!request.denied);
    }

    #[test]
    fn only_requests_forbidden_by_the_authorizer_are_denied() {
        let events = [
            event("a", 403, Some("forbid")),
            // A namespace on its way out takes no new objects: 403, and nobody's rights are missing.
            event("b", 403, Some("allow")),
            event("c", 403, None),
        ];
        let trail = Trail::parse(&log(&events)).unwrap();
        let denied: Vec<_> =
            trail.that(|request| request.denied).requests.into_iter().map(|it| it.user).collect();
        assert_eq!(denied, ["a", "c"]);
    }

    #[test]
    fn impersonated_user_is_the_requester() {
        let mut event = event("admin", 200, Some("allow"));
        event["impersonatedUser"] = json!({"username": "system:serviceaccount:demo:operator"});
        let trail = Trail::parse(&log(&[event])).unwrap();
        assert_eq!(trail.of("system:serviceaccount:demo:operator").len(), 1);
        assert!(trail.of("admin").is_empty());
    }

    #[test]
    fn a_line_that_is_still_being_written_is_left_out_and_a_broken_one_is_named() {
        let first = log(&[event("a", 200, Some("allow"))]);
        assert_eq!(Trail::parse(&format!("{first}{{\"kind\":")).unwrap().len(), 1);
        let error = Trail::parse(&format!("{first}not json\n")).unwrap_err().to_string();
        assert!(error.starts_with("failed to read line 2 of an audit log"), "{error}");
        assert!(Trail::parse("").unwrap().is_empty());
    }
}
