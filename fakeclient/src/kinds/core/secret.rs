//! Secret: `stringData`, the keys required by its type, and the immutable type.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::config_key;
use crate::object::decode::syntax::syntax_error;
use crate::object::view::fields::{FieldAccess, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::config_map::{MAX_SIZE, decoded_len, drop_empty, immutable_errors, without_empty};

/// `secrets`
#[derive(Debug)]
pub(crate) struct Secret;

impl Strategy for Secret {
    fn apply_defaults(&self, object: &mut Value) {
        fold_string_data(object);
        set_default(object, "type", "Opaque");
    }

    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        without_empty(object, "data")
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        tls_warning(object).into_iter().collect()
    }
}

impl CreateStrategy for Secret {
    fn prepare_create(&self, object: &mut Value) {
        fold_string_data(object);
        drop_empty(object, "data");
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object)
    }
}

impl UpdateStrategy for Secret {
    fn prepare_update(&self, object: &mut Value, old: &Value) {
        fold_string_data(object);
        if old.flag("immutable") != Some(true) {
            drop_empty(object, "data");
        }
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if object.text("type") != old.text("type") {
            errors.push(FieldError::invalid("type", object.text("type").into(), "field is immutable"));
        }
        errors.extend(immutable_errors(object, old, &["data"]));
        errors.extend(validate(object));
        errors
    }
}

impl StatusStrategy for Secret {}
impl DeleteStrategy for Secret {}

/// Merges the write-only `stringData` into `data`, with precedence.
fn fold_string_data(object: &mut Value) {
    let Some(Value::Object(plain)) = object.as_object_mut().and_then(|map| map.remove("stringData")) else {
        return;
    };
    if plain.is_empty() {
        return;
    }
    let data = object_mut(object, "data");
    for (key, value) in plain {
        set(data, &key, STANDARD.encode(value.as_str().unwrap_or_default()));
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let data = Path::new("data");
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in object.entries("data") {
        errors.extend(invalid_each(&data.key(key), key, config_key(key)));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > MAX_SIZE {
        errors.push(FieldError::too_long(&data, MAX_SIZE));
    }
    errors.extend(required_by_type(object, &data));
    errors
}

fn required_by_type(object: &Value, data: &Path) -> Vec<FieldError> {
    let has = |key: &str| object["data"].get(key).is_some();
    let missing = |key: &str| FieldError::required(data.key(key), "");
    match object.text("type") {
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            let absent = object["metadata"]["annotations"].text(key).is_empty();
            absent
                .then(|| FieldError::required(Path::new("metadata.annotations").key(key), ""))
                .into_iter()
                .collect()
        }
        "kubernetes.io/dockercfg" => docker_config(object, data, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => docker_config(object, data, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            vec![missing("username"), missing("password")]
        }
        "kubernetes.io/ssh-auth" if object["data"].text("ssh-privatekey").is_empty() => {
            vec![missing("ssh-privatekey")]
        }
        "kubernetes.io/tls" => {
            ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)).map(missing).collect()
        }
        _ => Vec::new(),
    }
}

/// Errors of a Docker configuration, which is required and must be a JSON object.
fn docker_config(object: &Value, data: &Path, key: &str) -> Vec<FieldError> {
    let Some(encoded) = object["data"].get(key).and_then(Value::as_str) else {
        return vec![FieldError::required(data.key(key), "")];
    };
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    match json_object_error(&bytes) {
        Some(why) => {
            vec![FieldError::invalid(data.key(key), "<secret contents redacted>".into(), why)]
        }
        None => Vec::new(),
    }
}

/// The message of Go's `encoding/json` for bytes that are no JSON object; `None` for an object.
fn json_object_error(bytes: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(_) | Value::Null) => None,
        Ok(other) => {
            let kind = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            Some(format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"))
        }
        Err(error) => Some(syntax_error(bytes).unwrap_or_else(|| error.to_string())),
    }
}

/// The warning of a TLS Secret without PEM data. Certificates are not parsed, so there are no other warnings.
fn tls_warning(object: &Value) -> Option<String> {
    if object.text("type") != "kubernetes.io/tls" {
        return None;
    }
    let pem = |key: &str| {
        let bytes = STANDARD.decode(object["data"].text(key)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains("-----BEGIN ")
    };
    if !pem("tls.crt") {
        Some("tls: failed to find any PEM data in certificate input".to_owned())
    } else if !pem("tls.key") {
        Some("tls: failed to find any PEM data in key input".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(secret: Value, expected: &[&str]) {
        let mut secret = secret;
        Secret.prepare_create(&mut secret);
        Secret.apply_defaults(&mut secret);
        let texts: Vec<_> = Secret.validate_create(&secret).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn string_data_is_merged_into_data_with_precedence() {
        let mut secret = json!({"stringData": {"a": "1"}, "data": {"a": "Mg==", "c": "AA=="}});
        Secret.prepare_create(&mut secret);
        Secret.apply_defaults(&mut secret);
        assert_eq!(secret, json!({"data": {"a": "MQ==", "c": "AA=="}, "type": "Opaque"}));
    }

    #[test]
    fn each_type_requires_its_keys() {
        check(
            json!({"type": "kubernetes.io/tls"}),
            &["data[tls.crt]: Required value", "data[tls.key]: Required value"],
        );
        check(json!({"type": "kubernetes.io/dockercfg"}), &["data[.dockercfg]: Required value"]);
        check(
            json!({"type": "kubernetes.io/basic-auth", "data": {}}),
            &["data[username]: Required value", "data[password]: Required value"],
        );
        check(
            json!({"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}}),
            &["data[ssh-privatekey]: Required value"],
        );
        check(
            json!({"type": "kubernetes.io/service-account-token"}),
            &["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        );
        check(json!({"type": "example.com/own"}), &[]);
    }

    #[test]
    fn docker_config_is_a_json_object() {
        let config = |text: &str| json!({"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": text}});
        let says = |why: &str| {
            format!("data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": {why}")
        };
        check(config("{}"), &[]);
        check(
            config("[]"),
            &[&says("json: cannot unmarshal array into Go value of type map[string]interface {}")],
        );
        check(config("{\"a\""), &[&says("unexpected end of JSON input")]);
        check(config(""), &[&says("unexpected end of JSON input")]);
        check(config("\0"), &[&says("invalid character '\\x00' looking for beginning of value")]);
    }

    #[test]
    fn type_is_immutable() {
        let old = json!({"type": "Opaque", "immutable": true, "data": {"a": "MQ=="}});
        let new = json!({"type": "other", "data": {"a": "Mg=="}});
        let texts: Vec<_> = Secret.validate_update(&new, &old).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "type: Invalid value: \"other\": field is immutable",
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ]
        );
    }

    #[test]
    fn certificate_without_pem_data_causes_a_warning() {
        let secret = json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}});
        assert_eq!(Secret.warnings(&secret, None), ["tls: failed to find any PEM data in certificate input"]);
    }
}
