//! Merge patch (RFC 7386): null removes a field, objects merge, all other values replace.

use serde_json::{Map, Value};

use super::outcome::{FieldValidation, Patched, go_type};
use crate::error::ApiError;
use crate::object::decode::text::Parsed;

/// Applies the patch to `object`.
pub(super) fn apply(
    parsed: &Parsed,
    object: &Value,
    validation: FieldValidation,
) -> Result<Patched, ApiError> {
    let mut remarks = Vec::new();
    if validation != FieldValidation::Ignore {
        if !(parsed.value.is_object() || parsed.value.is_null()) {
            return Err(ApiError::bad_request(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                go_type(&parsed.value)
            )));
        }
        remarks.extend(parsed.duplicates.iter().map(|path| format!("duplicate field \"{path}\"")));
    }
    let object = match parsed.value.clone() {
        Value::Object(patch) => {
            let mut object = object.clone();
            merge(&mut object, patch);
            object
        }
        // Without validation, the server's library replaces the object by the list, which then fails to decode.
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        _ => return Err(ApiError::bad_request("Invalid JSON Patch")),
    };
    Ok(Patched::new(object, remarks))
}

/// Merges one level. A `target` of another type becomes an object.
fn merge(target: &mut Value, patch: Map<String, Value>) {
    let Value::Object(fields) = target else {
        *target = without_nulls(Value::Object(patch));
        return;
    };
    for (key, value) in patch {
        match value {
            Value::Null => {
                fields.remove(&key);
            }
            Value::Object(inner) => match fields.get_mut(&key) {
                Some(present) => merge(present, inner),
                None => {
                    fields.insert(key, without_nulls(Value::Object(inner)));
                }
            },
            other => {
                // The server's library drops nulls in a new list, unless the list replaces an object.
                let replaces_object = fields.get(&key).is_some_and(Value::is_object);
                fields.insert(key, if replaces_object { other } else { without_nulls(other) });
            }
        }
    }
}

/// A new value without null fields, at any depth; null items remain.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::object::patch::document::text_patch;

    #[rstest]
    #[case(json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"}))]
    #[case(json!({"a": "b"}), json!({"a": null}), json!({}))]
    #[case(json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"}))]
    #[case(json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}}))]
    #[case(json!({"a": "b"}), json!({"a": {"b": 1, "c": null}}), json!({"a": {"b": 1}}))]
    #[case(json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}}))]
    #[case(json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1}))]
    fn examples_of_the_rfc_pass(#[case] object: Value, #[case] patch: Value, #[case] expected: Value) {
        let patched =
            text_patch::merge(patch.to_string().as_bytes(), &object, FieldValidation::Warn).unwrap();
        assert_eq!(patched.object, expected);
    }

    #[rstest]
    #[case("nonsense", "invalid JSON patch")]
    #[case(
        "[]",
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
    )]
    #[case(
        "3",
        "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"
    )]
    #[case("null", "Invalid JSON Patch")]
    fn body_that_is_not_an_object_has_the_message_of_kube_apiserver(
        #[case] patch: &str,
        #[case] message: &str,
    ) {
        let error = text_patch::merge(patch.as_bytes(), &json!({}), FieldValidation::Warn).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, message));
    }

    #[test]
    fn duplicate_field_is_reported_and_the_last_is_used() {
        let patched =
            text_patch::merge(br#"{"spec":{"a":"1","a":"2"}}"#, &json!({"spec": {}}), FieldValidation::Warn)
                .unwrap();
        assert_eq!(patched.remarks, ["duplicate field \"spec.a\""]);
        assert_eq!(patched.object, json!({"spec": {"a": "2"}}));
    }
}
