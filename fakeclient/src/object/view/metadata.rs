//! Access to the fields of `metadata`.

use serde_json::{Map, Value};

/// A string field of the metadata; empty if it is absent.
pub(crate) fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object.get("metadata").and_then(|m| m.get(field)).and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.name`
pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

/// `metadata.namespace`; empty if it is absent.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

/// `metadata.uid`
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "uid")
}

/// `NAMESPACE/NAME`; either may be empty.
pub(crate) fn place(object: &Value) -> String {
    format!("{}/{}", namespace(object), name(object))
}

/// `metadata.generation`; 0 if it is absent.
pub(crate) fn generation(object: &Value) -> i64 {
    object.get("metadata").and_then(|m| m.get("generation")).and_then(Value::as_i64).unwrap_or_default()
}

/// `metadata.labels`
pub(crate) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("labels")?.as_object()
}

/// `metadata.annotations`
pub(crate) fn annotations(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("annotations")?.as_object()
}

/// True if the object has a deletionTimestamp.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object.get("metadata").and_then(|m| m.get("deletionTimestamp")).is_some_and(Value::is_string)
}

/// The mutable metadata, created if it is absent.
pub(crate) fn of_mut(object: &mut Value) -> &mut Map<String, Value> {
    let fields = object.as_object_mut().expect("an object that was decoded is a JSON object");
    let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    metadata.as_object_mut().expect("the metadata was made an object")
}

/// `metadata.KEY`, if it is present and not null.
pub(crate) fn get<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get("metadata").and_then(|m| m.get(key)).filter(|value| !value.is_null())
}

pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    of_mut(object).insert(key.to_owned(), value);
}

pub(crate) fn remove(object: &mut Value, key: &str) {
    of_mut(object).remove(key);
}

/// `metadata.finalizers`
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let finalizers = get(object, "finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        remove(object, "finalizers");
    } else {
        set(object, "finalizers", finalizers.to_vec().into());
    }
}

/// True if the objects are equal except for the resourceVersion, so that the write changes nothing.
pub(crate) fn same(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    same_without(new, old, "metadata")
        && match (
            new.get("metadata").and_then(Value::as_object),
            old.get("metadata").and_then(Value::as_object),
        ) {
            (Some(new), Some(old)) => same_without(new, old, "resourceVersion"),
            (new, old) => new.is_none() && old.is_none(),
        }
}

/// True if two maps are equal except for one key.
fn same_without(a: &Map<String, Value>, b: &Map<String, Value>, left_out: &str) -> bool {
    let count = |map: &Map<String, Value>| map.len() - usize::from(map.contains_key(left_out));
    count(a) == count(b) && a.iter().all(|(key, value)| key == left_out || b.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_that_differ_in_resource_version_only_are_same() {
        let old = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "v"}});
        let mut new = old.clone();
        new["metadata"]["resourceVersion"] = "7".into();
        assert!(same(&new, &old));
        new["data"]["k"] = "w".into();
        assert!(!same(&new, &old));
    }
}
