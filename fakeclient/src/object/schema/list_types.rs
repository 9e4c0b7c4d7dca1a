//! `x-kubernetes-list-type`: uniqueness of items in sets, and of keys in maps.
//!
//! kube-apiserver 1.37 validates this separately from the schema, and on update only if the old object is valid.

use serde_json::{Map, Value};

use super::structural::{AdditionalProperties, ListType, Structural};
use crate::error::field::FieldError;

impl Structural {
    /// Errors of duplicate items in all lists of a resource.
    pub(crate) fn validate_lists(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.lists_in(object, "", &mut errors);
        errors
    }

    fn lists_in(&self, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
        match value {
            Value::Object(map) => {
                for (name, child) in map {
                    if let AdditionalProperties::Schema(schema) = &self.additional {
                        schema.lists_in(child, &format!("{path}[{name}]"), errors);
                    }
                    if let Some(schema) = self.properties.get(name) {
                        let dot = if path.is_empty() { "" } else { "." };
                        schema.lists_in(child, &format!("{path}{dot}{name}"), errors);
                    }
                }
            }
            Value::Array(items) => {
                match &self.list {
                    ListType::Set => repeated(items, path, errors),
                    ListType::Map(keys) => repeated_keys(keys, items, path, errors),
                    ListType::Unset | ListType::Atomic => {}
                }
                if let Some(schema) = &self.items {
                    for (index, item) in items.iter().enumerate() {
                        schema.lists_in(item, &format!("{path}[{index}]"), errors);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Reports each repeated value once, at its first repetition.
fn repeated(items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    for (index, item) in items.iter().enumerate() {
        if items[..index].iter().filter(|other| *other == item).count() == 1 {
            errors.push(FieldError::duplicate(format!("{path}[{index}]"), item.clone()));
        }
    }
}

fn repeated_keys(keys: &[String], items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    if let Some(index) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
        let why = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(format!("{path}[{index}]"), items[index].clone(), why));
        return;
    }
    let key_of = |item: &Value| {
        let present = keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone())));
        Value::Object(present.collect::<Map<_, _>>())
    };
    let found: Vec<Value> = items.iter().map(key_of).collect();
    repeated(&found, path, errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(property: &Value, value: &Value, expected: &[&str]) {
        let schema = Structural::parse(&json!({"type": "object", "properties": {"x": property}}));
        let errors = schema.validate_lists(&json!({"x": value}));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn repeated_item_of_a_set_is_reported_once() {
        let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        check(
            &set,
            &json!(["a", "a", "b", "b", "b"]),
            &[r#"x[1]: Duplicate value: "a""#, r#"x[3]: Duplicate value: "b""#],
        );
    }

    #[test]
    fn map_items_are_compared_by_keys() {
        let map = json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "p": {"type": "integer"}}}});
        check(
            &map,
            &json!([{"k": "a", "p": 1, "v": 1}, {"k": "a", "p": 2}, {"p": 1, "k": "a", "v": 2}]),
            &[r#"x[2]: Duplicate value: {"k":"a","p":1}"#],
        );
        check(
            &map,
            &json!(["a"]),
            &[r#"x[0]: Invalid value: "a": must be an object for an array of list-type map"#],
        );
    }
}
