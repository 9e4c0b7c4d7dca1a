//! OpenAPI components of a custom resource: its kind, from the CRD's schema, and its list.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::registry::resource::Resource;

const META: &str = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1";

/// `com.example.v1.Widget`: the group's labels in reverse order.
pub(super) fn component_name(resource: &Resource, kind: &str) -> String {
    let labels: Vec<&str> = resource.group.split('.').rev().collect();
    format!("{}.{}.{kind}", labels.join("."), resource.version)
}

/// Both components by name.
pub(super) fn components(resource: &Resource) -> BTreeMap<String, Value> {
    let name = component_name(resource, &resource.kind);
    let mut list = json!({
        "type": "object",
        "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": format!("{META}.ListMeta")}]},
            "items": {"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}},
        },
    });
    let mut object = resource.document.as_deref().map_or_else(|| json!({"type": "object"}), published);
    add_type_and_metadata(&mut object);
    for (component, kind) in [(&mut object, &resource.kind), (&mut list, &resource.list_kind)] {
        component["x-kubernetes-group-version-kind"] =
            json!([{"group": resource.group, "version": resource.version, "kind": kind}]);
        let fields: Vec<Value> = resource
            .selectable
            .fields
            .iter()
            .filter(|field| !field.label.starts_with("metadata."))
            .map(|field| json!({"fieldPath": field.label}))
            .collect();
        if !fields.is_empty() {
            component["x-kubernetes-selectable-fields"] = fields.into();
        }
    }
    BTreeMap::from([(name, object), (component_name(resource, &resource.list_kind), list)])
}

/// Replaces `apiVersion`, `kind` and `metadata` by their standard schemas, as in every kind.
fn add_type_and_metadata(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
        properties.insert("kind".to_owned(), json!({"type": "string"}));
        properties.insert("metadata".to_owned(), json!({"allOf": [{"$ref": format!("{META}.ObjectMeta")}]}));
    }
}

/// The published form of a schema: int-or-string as `oneOf`, and embedded resources with the fields of every object.
fn published(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (keyword, value) in keywords {
        let value = match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, schema)| (name.clone(), published(schema))).collect()
            }
            ("items" | "additionalProperties", schema) => published(schema),
            (_, value) => value.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    let says = |key: &str| keywords.get(key).and_then(Value::as_bool).unwrap_or(false);
    if says("x-kubernetes-int-or-string") && !out.contains_key("anyOf") && !out.contains_key("allOf") {
        out.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
    }
    let mut out = Value::Object(out);
    if says("x-kubernetes-embedded-resource") {
        add_type_and_metadata(&mut out);
        let mut required = out["required"].as_array().cloned().unwrap_or_default();
        for field in ["kind", "apiVersion"] {
            if !required.iter().any(|known| known == field) {
                required.push(field.into());
            }
        }
        out["required"] = required.into();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int_or_string_is_published_as_one_of() {
        let schema = json!({"properties": {"port": {"x-kubernetes-int-or-string": true}}});
        let port = &published(&schema)["properties"]["port"];
        assert_eq!(port["anyOf"], json!([{"type": "integer"}, {"type": "string"}]));
    }

    #[test]
    fn embedded_resource_has_type_and_metadata() {
        let schema = json!({"type": "object", "x-kubernetes-embedded-resource": true});
        let published = published(&schema);
        assert_eq!(published["properties"]["kind"]["type"], "string");
        assert_eq!(published["required"], json!(["kind", "apiVersion"]));
        assert!(published["properties"]["metadata"]["allOf"][0]["$ref"].is_string());
    }
}
