//! `ConfigMap`: keys, immutability and size limit.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::config_key;
use crate::object::view::fields::FieldAccess;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// Maximum total size of the values of a `ConfigMap` or Secret, in bytes.
pub(super) const MAX_SIZE: usize = 1024 * 1024;

/// `configmaps`
#[derive(Debug)]
pub(crate) struct ConfigMap;

impl CreateStrategy for ConfigMap {
    fn prepare_create(&self, object: &mut Value) {
        drop_empty(object, "binaryData");
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object)
    }
}

impl UpdateStrategy for ConfigMap {
    fn prepare_update(&self, object: &mut Value, old: &Value) {
        // In an immutable ConfigMap, an empty `binaryData` differs from none, unlike an empty `data`.
        if old.flag("immutable") != Some(true) {
            drop_empty(object, "binaryData");
        }
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = immutable_errors(object, old, &["data", "binaryData"]);
        errors.extend(validate(object));
        errors
    }
}

impl Strategy for ConfigMap {
    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        without_empty(object, "binaryData")
    }
}
impl StatusStrategy for ConfigMap {}
impl DeleteStrategy for ConfigMap {}

/// Drops an empty map, which the decoder keeps if an immutable object may not get one.
pub(super) fn drop_empty(object: &mut Value, bag: &str) {
    if is_empty(object, bag)
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove(bag);
    }
}

/// The object without the map, if that is empty.
pub(super) fn without_empty<'o>(object: &'o Value, bag: &str) -> Cow<'o, Value> {
    let mut object = Cow::Borrowed(object);
    if is_empty(&object, bag) {
        drop_empty(object.to_mut(), bag);
    }
    object
}

fn is_empty(object: &Value, bag: &str) -> bool {
    object.get(bag).and_then(Value::as_object).is_some_and(Map::is_empty)
}

/// Errors of changes to an object with `immutable: true`.
pub(super) fn immutable_errors(object: &Value, old: &Value, bags: &[&str]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if old.flag("immutable") != Some(true) {
        return errors;
    }
    let why = "field is immutable when `immutable` is set";
    if object.flag("immutable") != Some(true) {
        errors.push(FieldError::forbidden("immutable", why));
    }
    for bag in bags {
        if object[*bag] != old[*bag] {
            errors.push(FieldError::forbidden(*bag, why));
        }
    }
    errors
}

/// Length of decoded base64 text in bytes.
pub(super) fn decoded_len(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

fn validate(object: &Value) -> Vec<FieldError> {
    let (data, binary) = (Path::new("data"), Path::new("binaryData"));
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in object.entries("data") {
        let at = data.key(key);
        errors.extend(invalid_each(&at, key, config_key(key)));
        if object["binaryData"].get(key).is_some() {
            errors.push(FieldError::invalid(at, key.into(), "duplicate of key present in binaryData"));
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in object.entries("binaryData") {
        errors.extend(invalid_each(&binary.key(key), key, config_key(key)));
        size += value.as_str().map_or(0, decoded_len);
    }
    if size > MAX_SIZE {
        // The error concerns the whole object: the server's empty path prints as `[]`.
        errors.push(FieldError::too_long("[]", MAX_SIZE));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::field::texts;

    #[test]
    fn keys_are_file_names_and_unique_in_data_and_binary_data() {
        let object = json!({"data": {"..": "", "both": "1"}, "binaryData": {"both": "AA==", "no/": "AA=="}});
        assert_eq!(
            texts(&ConfigMap.validate_create(&object)),
            [
                "data[..]: Invalid value: \"..\": must not be '..'",
                "data[both]: Invalid value: \"both\": duplicate of key present in binaryData",
                "binaryData[no/]: Invalid value: \"no/\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            ]
        );
    }

    #[test]
    fn values_above_one_mebibyte_are_too_long() {
        let fits = json!({"data": {"k": "x".repeat(MAX_SIZE)}});
        let tips = json!({"data": {"k": "x".repeat(MAX_SIZE)}, "binaryData": {"b": "AA=="}});
        assert!(ConfigMap.validate_create(&fits).is_empty());
        assert_eq!(
            texts(&ConfigMap.validate_create(&tips)),
            ["[]: Too long: may not be more than 1048576 bytes"]
        );
    }

    #[test]
    fn immutable_config_map_cannot_change() {
        let old = json!({"immutable": true, "data": {"k": "x"}});
        let new = json!({"data": {"k": "y"}, "binaryData": {"x": "AA=="}});
        let why = "Forbidden: field is immutable when `immutable` is set";
        assert_eq!(
            texts(&ConfigMap.validate_update(&new, &old)),
            [format!("immutable: {why}"), format!("data: {why}"), format!("binaryData: {why}")]
        );
        let labelled = json!({"metadata": {"labels": {"a": "b"}}, "immutable": true, "data": {"k": "x"}});
        assert!(ConfigMap.validate_update(&labelled, &old).is_empty());
    }
}
