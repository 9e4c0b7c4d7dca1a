//! Access to JSON objects with the semantics of Go structs: an absent field is its zero value.

use serde_json::{Map, Value};

/// Typed access to the fields of an object. A value of another type counts as absent.
pub(crate) trait FieldAccess {
    /// A string, or `""`.
    fn text(&self, key: &str) -> &str;
    /// An integer.
    fn number(&self, key: &str) -> Option<i64>;
    /// A boolean.
    fn flag(&self, key: &str) -> Option<bool>;
    /// The items of a list; empty if it is absent.
    fn list(&self, key: &str) -> &[Value];
    /// The entries of a map, in key order; empty if it is absent.
    fn entries(&self, key: &str) -> impl Iterator<Item = (&str, &Value)>;
    /// True if the field is present and not null.
    fn has(&self, key: &str) -> bool;
}

impl FieldAccess for Value {
    fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Value::as_i64)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Value::as_bool)
    }

    fn list(&self, key: &str) -> &[Value] {
        self.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn entries(&self, key: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.get(key).and_then(Value::as_object).into_iter().flatten().map(|(k, v)| (k.as_str(), v))
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_null())
    }
}

/// The object at `key`, created if it is absent.
pub(crate) fn object_mut<'a>(parent: &'a mut Value, key: &str) -> &'a mut Value {
    if !parent.is_object() {
        *parent = Value::Object(Map::new());
    }
    let slot = parent.as_object_mut().expect("made an object above").entry(key).or_insert(Value::Null);
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot
}

/// Sets a field.
pub(crate) fn set(parent: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(map) = parent.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
}

/// Sets a field that is absent, null or an empty string.
pub(crate) fn set_default(parent: &mut Value, key: &str, value: impl Into<Value>) {
    if matches!(parent.get(key), None | Some(Value::Null)) || parent[key] == "" {
        set(parent, key, value);
    }
}

/// Removes a field.
pub(crate) fn remove(parent: &mut Value, key: &str) {
    if let Some(map) = parent.as_object_mut() {
        map.remove(key);
    }
}

/// Copies a field from another object, or removes it if it is absent there.
pub(crate) fn copy(from: &Value, to: &mut Value, key: &str) {
    match from.get(key) {
        Some(value) => set(to, key, value.clone()),
        None => remove(to, key),
    }
}

/// Mutable items of a list; empty if it is absent.
pub(crate) fn items_mut<'a>(parent: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    parent.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// True if two maps or lists are equal; absent, null and empty are equal.
pub(crate) fn same(a: &Value, b: &Value, key: &str) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let (a, b) = (&a[key], &b[key]);
    a == b || (empty(a) && empty(b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_field_is_its_zero_value() {
        let object = json!({"n": 1, "t": "x", "l": [1], "nothing": null});
        assert_eq!((object.text("t"), object.text("n"), object.text("zz")), ("x", "", ""));
        assert_eq!((object.number("n"), object.number("t")), (Some(1), None));
        assert_eq!((object.list("l").len(), object.list("zz").len()), (1, 0));
        assert!(object.has("n") && !object.has("nothing"));
    }

    #[test]
    fn set_default_changes_only_empty_fields() {
        let mut object = json!({"a": "", "b": "x", "c": 0});
        for key in ["a", "b", "c", "d"] {
            set_default(&mut object, key, "default");
        }
        assert_eq!(object, json!({"a": "default", "b": "x", "c": 0, "d": "default"}));
    }
}
