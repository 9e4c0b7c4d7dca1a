//! Validation of `spec.conversion`. Paths are those of the server's internal type, in which the webhook's fields are
//! not nested.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::names::{dns_subdomain_errors, dns1035_label_errors};
use crate::object::view::fields::FieldAccess;

const FORM: &str = "; desired format: https://host[/path]";

pub(super) fn check(conversion: &Value, path: &Path) -> Vec<FieldError> {
    let strategy = conversion.text("strategy");
    let mut errors = Vec::new();
    match strategy {
        "" => errors.push(FieldError::required(path.child("strategy"), "")),
        "None" | "Webhook" => {}
        other => {
            errors.push(FieldError::not_supported(
                path.child("strategy"),
                other.into(),
                &["None", "Webhook"],
            ));
        }
    }
    let webhook = &conversion["webhook"];
    let versions = webhook.list("conversionReviewVersions");
    let client = path.child("webhookClientConfig");
    if strategy == "Webhook" {
        if webhook.has("clientConfig") {
            errors.extend(check_client(&webhook["clientConfig"], &client));
        } else {
            errors.push(FieldError::required(client, "required when strategy is set to Webhook"));
        }
        errors.extend(check_versions(versions, &path.child("conversionReviewVersions")));
        return errors;
    }
    let why = "should not be set when strategy is not set to Webhook";
    if webhook.has("clientConfig") {
        errors.push(FieldError::forbidden(client, why));
    }
    if !versions.is_empty() {
        errors.push(FieldError::forbidden(path.child("conversionReviewVersions"), why));
    }
    errors
}

fn check_versions(versions: &[Value], path: &Path) -> Vec<FieldError> {
    if versions.is_empty() {
        return vec![FieldError::required(path, "")];
    }
    let mut errors = Vec::new();
    for (index, version) in versions.iter().enumerate() {
        if versions[..index].contains(version) {
            errors.push(FieldError::invalid(path.index(index), version.clone(), "duplicate version"));
            continue;
        }
        for why in dns1035_label_errors(version.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(path.index(index), version.clone(), why));
        }
    }
    if !versions.iter().any(|v| v == "v1" || v == "v1beta1") {
        errors.push(FieldError::invalid(path, versions.into(), "must include at least one of v1, v1beta1"));
    }
    errors
}

fn check_client(client: &Value, path: &Path) -> Vec<FieldError> {
    match (client.get("url").and_then(Value::as_str), client.has("service")) {
        (Some(url), false) => check_url(url, &path.child("url")),
        (None, true) => check_service(&client["service"], &path.child("service")),
        _ => vec![FieldError::required(path, "exactly one of url or service is required")],
    }
}

fn check_url(url: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    if scheme != "https" {
        let why = format!("'https' is the only allowed URL scheme{FORM}");
        errors.push(FieldError::invalid(path, scheme.into(), why));
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = rest.strip_prefix("//").map_or("", |r| r.split('/').next().unwrap_or_default());
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(u, h)| (Some(u), h));
    if host.is_empty() {
        errors.push(FieldError::invalid(path, "".into(), format!("host must be specified{FORM}")));
    }
    if let Some(user) = user {
        let why = "user information is not permitted in the URL";
        errors.push(FieldError::invalid(path, user.into(), why));
    }
    if !fragment.is_empty() {
        errors.push(FieldError::invalid(path, fragment.into(), "fragments are not permitted in the URL"));
    }
    if !query.is_empty() {
        errors.push(FieldError::invalid(path, query.into(), "query parameters are not permitted in the URL"));
    }
    errors
}

/// The server passes name and namespace to this check in reverse order, so the paths of errors are exchanged.
fn check_service(service: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if service.text("namespace").is_empty() {
        errors.push(FieldError::required(path.child("name"), ""));
    }
    if service.text("name").is_empty() {
        errors.push(FieldError::required(path.child("namespace"), ""));
    }
    let port = service.number("port").unwrap_or(443);
    if !(1..=65535).contains(&port) {
        let why = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid(path.child("port"), port.into(), why));
    }
    let url_path = service.text("path");
    if matches!(url_path, "" | "/") {
        return errors;
    }
    let invalid = |why: String| FieldError::invalid(path.child("path"), url_path.into(), why);
    if url_path == "//" {
        errors.push(invalid("segment[0] may not be empty".to_owned()));
        return errors;
    }
    if !url_path.starts_with('/') {
        errors.push(invalid("must start with a '/'".to_owned()));
    }
    let mut characters = url_path.chars();
    characters.next();
    let segments = characters.as_str();
    for (index, segment) in segments.strip_suffix('/').unwrap_or(segments).split('/').enumerate() {
        if segment.is_empty() {
            errors.push(invalid(format!("segment[{index}] may not be empty")));
            continue;
        }
        errors.extend(
            dns_subdomain_errors(segment).into_iter().map(|e| invalid(format!("segment[{index}]: {e}"))),
        );
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_texts(conversion: &Value, expected: &[&str]) {
        let errors = check(conversion, &Path::new("spec.conversion"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn webhook_requires_client_config_and_review_versions() {
        check_texts(
            &json!({"strategy": "Webhook"}),
            &[
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ],
        );
        let webhook =
            json!({"clientConfig": {"url": "https://a.example/x"}, "conversionReviewVersions": ["v1"]});
        check_texts(&json!({"strategy": "Webhook", "webhook": webhook}), &[]);
    }

    #[test]
    fn strategy_none_forbids_webhook_fields() {
        check_texts(
            &json!({"strategy": "None", "webhook": {"conversionReviewVersions": ["v1"]}}),
            &[
                "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to \
               Webhook",
            ],
        );
    }
}
