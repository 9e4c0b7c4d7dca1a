//! Masks of Secret objects: each value is replaced by its length.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Annotation in which kubectl keeps the applied object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Takes the values of a Secret out of an object of this kind. Managed fields name fields and no values, and stay.
pub(crate) fn mask(kind: &str, object: &mut Value) {
    if kind != "Secret" {
        return;
    }
    for field in ["data", "stringData"] {
        if let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) {
            values.values_mut().for_each(|value| *value = placeholder(value, field == "data"));
        }
    }
    if let Some(applied) =
        object.pointer_mut("/metadata/annotations").and_then(|all| all.get_mut(LAST_APPLIED))
    {
        let parsed = applied.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        *applied = match parsed {
            Some(mut inner) => {
                mask(kind, &mut inner);
                Value::String(inner.to_string())
            }
            None => "(masked)".into(),
        };
    }
}

fn placeholder(value: &Value, encoded: bool) -> Value {
    let text = value.as_str().unwrap_or_default();
    let bytes =
        if encoded { STANDARD.decode(text).map_or(text.len(), |bytes| bytes.len()) } else { text.len() };
    format!("(masked, {bytes} bytes)").into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked(kind: &str, mut object: Value) -> Value {
        mask(kind, &mut object);
        object
    }

    #[test]
    fn a_secret_s_keys_stay_and_its_values_go() {
        let secret = masked(
            "Secret",
            json!({"data": {"password": "aHVudGVyMg=="}, "stringData": {"token": "abc"}, "type": "Opaque"}),
        );
        let expected = json!({
            "data": {"password": "(masked, 7 bytes)"}, "stringData": {"token": "(masked, 3 bytes)"}, "type": "Opaque",
        });
        assert_eq!(secret, expected);
    }

    #[test]
    fn last_applied_annotation_of_a_secret_is_masked() {
        for applied in [r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#, "aHVudGVyMg== is no JSON"]
        {
            let secret = masked("Secret", json!({"metadata": {"annotations": {LAST_APPLIED: applied}}}));
            let text = secret.to_string();
            assert!(!text.contains("aHVudGVyMg") && text.contains("masked"), "{text}");
        }
    }

    #[test]
    fn other_kinds_keep_their_data_and_all_keep_their_managed_fields() {
        let fields = json!([{"manager": "a", "fieldsV1": {"f:data": {"f:password": {}}}}]);
        let map = json!({"metadata": {"name": "a", "managedFields": fields}, "data": {"password": "public"}});
        assert_eq!(masked("ConfigMap", map.clone()), map);
        assert_eq!(masked("Secret", map)["metadata"]["managedFields"], fields);
    }
}
