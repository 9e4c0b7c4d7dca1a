//! `dnsPolicy` and `dnsConfig`.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::ip;
use crate::kinds::rules::names::form;
use crate::object::view::fields::FieldAccess;

const MAX_SERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;
/// Maximum length of a search path, in characters.
const MAX_SEARCH: usize = 253;
const MAX_SEARCH_TEXT: usize = 2048;

pub(super) fn check(path: &Path, spec: &Value) -> Vec<FieldError> {
    let (at, config) = (path.child("dnsConfig"), &spec["dnsConfig"]);
    let servers = config.list("nameservers");
    if spec.text("dnsPolicy") == "None" {
        if !config.is_object() {
            let why = "must provide `dnsConfig` when `dnsPolicy` is None";
            return vec![FieldError::required(at, why)];
        }
        if servers.is_empty() {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return vec![FieldError::required(at.child("nameservers"), why)];
        }
    }
    let mut errors = Vec::new();
    if servers.len() > MAX_SERVERS {
        let why = format!("must not have more than {MAX_SERVERS} nameservers");
        errors.push(FieldError::invalid(at.child("nameservers"), config["nameservers"].clone(), why));
    }
    for (index, server) in servers.iter().enumerate() {
        errors
            .extend(ip::address(&at.child("nameservers").index(index), server.as_str().unwrap_or_default()));
    }
    errors.extend(searches(&at.child("searches"), config.list("searches")));
    for (index, option) in config.list("options").iter().enumerate() {
        if option.text("name").is_empty() {
            errors.push(FieldError::required(at.child("options").index(index), "must not be empty"));
        }
    }
    errors
}

fn searches(path: &Path, searches: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let texts: Vec<&str> = searches.iter().filter_map(Value::as_str).collect();
    if texts.len() > MAX_SEARCHES {
        let why = format!("must not have more than {MAX_SEARCHES} search paths");
        errors.push(FieldError::invalid(path, searches.to_vec().into(), why));
    }
    if texts.join(" ").len() > MAX_SEARCH_TEXT {
        let why = format!(
            "must not have more than {MAX_SEARCH_TEXT} characters (including spaces) in the search list"
        );
        errors.push(FieldError::invalid(path, searches.to_vec().into(), why));
    }
    for (index, search) in texts.into_iter().enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        let at = path.index(index);
        if search.len() > MAX_SEARCH {
            let why = format!("must be no more than {MAX_SEARCH} characters");
            errors.push(FieldError::invalid(&at, search.into(), why));
        }
        if !search.split('.').all(is_label) {
            let sentence = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' \
                            or '.', and must start and end with an alphanumeric character";
            let label = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
            let why = form(sentence, &format!(r"{label}(\.{label})*"), &["example.com"]);
            errors.push(FieldError::invalid(&at, search.into(), why));
        }
    }
    errors
}

/// True for a label of a search path, which may contain underscores.
fn is_label(label: &str) -> bool {
    let label = label.strip_prefix('_').unwrap_or(label);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = label.bytes().next().is_some_and(plain) && label.bytes().next_back().is_some_and(plain);
    ends && label.bytes().all(|b| plain(b) || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case reads better without a reference at each `json!`"
    )]
    fn check_texts(spec: Value, expected: &[&str]) {
        let texts: Vec<String> = check(&Path::new("spec"), &spec).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn policy_none_requires_nameservers() {
        let why = "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None";
        check_texts(json!({"dnsPolicy": "None"}), &[why]);
        let why = "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when \
                   `dnsPolicy` is None";
        check_texts(json!({"dnsPolicy": "None", "dnsConfig": {}}), &[why]);
        check_texts(json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.10"]}}), &[]);
    }

    #[test]
    fn options_require_names_and_searches_allow_underscores() {
        let config = json!({"options": [{"value": "2"}], "searches": ["_tcp.example.com", "."]});
        check_texts(
            json!({"dnsConfig": config}),
            &["spec.dnsConfig.options[0]: Required value: must not be empty"],
        );
    }
}
