//! API approval: the annotation `api-approved.kubernetes.io` in groups of the community (`*.k8s.io`,
//! `*.kubernetes.io`).

use serde_json::Value;

use crate::error::field::FieldError;

const ANNOTATION: &str = "api-approved.kubernetes.io";
const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// State of the annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApprovalState {
    /// No annotation.
    Missing,
    /// Neither a URL nor a bypass.
    Invalid,
    /// A value that starts with `unapproved`.
    Bypassed,
    /// A URL of the approval.
    Approved,
}

/// The state of a definition in a protected group, with the server's message; `None` for other groups.
pub(crate) fn state(definition: &Value) -> Option<(ApprovalState, String)> {
    let group = definition["spec"]["group"].as_str().unwrap_or_default();
    let within =
        |domain: &str| group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if !(within("k8s.io") || within("kubernetes.io")) {
        return None;
    }
    let value = definition["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    let url = value.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric())
            && rest.split('/').next().is_some_and(|host| !host.is_empty() && !host.contains(' '))
    });
    Some(if value.is_empty() {
        (
            ApprovalState::Missing,
            format!("protected groups must have approval annotation \"{ANNOTATION}\", {SEE}"),
        )
    } else if value.starts_with("unapproved") {
        (ApprovalState::Bypassed, format!("not approved: {value:?}"))
    } else if url {
        (ApprovalState::Approved, format!("approved in {value}"))
    } else {
        let form = "with either a URL or a reason starting with \"unapproved\"";
        (
            ApprovalState::Invalid,
            format!("protected groups must have approval annotation \"{ANNOTATION}\" {form}, {SEE}"),
        )
    })
}

pub(crate) fn check(definition: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let Some((found, why)) = state(definition) else { return Vec::new() };
    if old.and_then(state).is_some_and(|(before, _)| before == found) {
        return Vec::new();
    }
    let path = format!("metadata.annotations[{ANNOTATION}]");
    match found {
        ApprovalState::Missing => vec![FieldError::required(path, why)],
        ApprovalState::Invalid => {
            let value = definition["metadata"]["annotations"][ANNOTATION].clone();
            vec![FieldError::invalid(path, value, why)]
        }
        ApprovalState::Bypassed | ApprovalState::Approved => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_first(group: &str, annotation: Option<&str>, expected: Option<&str>) {
        let definition =
            json!({"metadata": {"annotations": {ANNOTATION: annotation}}, "spec": {"group": group}});
        let errors = check(&definition, None);
        assert_eq!(errors.first().map(ToString::to_string).as_deref(), expected);
    }

    #[test]
    fn community_groups_require_an_approval() {
        let path = "metadata.annotations[api-approved.kubernetes.io]";
        let missing = format!(
            "{path}: Required value: protected groups must have approval annotation \"api-approved.kubernetes.io\", \
             see https://github.com/kubernetes/enhancements/pull/1111"
        );
        check_first("foo.k8s.io", None, Some(&missing));
        let invalid = format!(
            "{path}: Invalid value: \"x\": protected groups must have approval annotation \
             \"api-approved.kubernetes.io\" with either a URL or a reason starting with \"unapproved\", see \
             https://github.com/kubernetes/enhancements/pull/1111"
        );
        check_first("foo.k8s.io", Some("x"), Some(&invalid));
        check_first("foo.k8s.io", Some("https://example.com/1"), None);
        check_first("foo.kubernetes.io", Some("unapproved, experimental"), None);
        check_first("example.com", None, None);
        check_first("notk8s.io", None, None);
    }
}
