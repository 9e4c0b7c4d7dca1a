//! The part of `metadata` that the server owns: reading it, filling it, keeping clients' hands off it.

use serde_json::{Map, Value, json};

/// `metadata.KEY` as text, empty if absent.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|m| m.get(key)).and_then(Value::as_str).unwrap_or("")
}

/// `metadata.KEY`, if it is there and not null.
pub(crate) fn get<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get("metadata").and_then(|m| m.get(key)).filter(|value| !value.is_null())
}

/// The `metadata` object, made if it is missing.
pub(crate) fn map(object: &mut Value) -> &mut Map<String, Value> {
    let root = object.as_object_mut().expect("an object was decoded");
    let metadata = root.entry("metadata").or_insert_with(|| json!({}));
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata.as_object_mut().expect("just made sure")
}

pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    map(object).insert(key.to_owned(), value);
}

pub(crate) fn remove(object: &mut Value, key: &str) {
    map(object).remove(key);
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

/// Whether somebody has asked for its deletion.
pub(crate) fn deleting(object: &Value) -> bool {
    get(object, "deletionTimestamp").is_some()
}

/// `metadata.generation`, 0 if absent.
pub(crate) fn generation(object: &Value) -> i64 {
    get(object, "generation").and_then(Value::as_i64).unwrap_or(0)
}

/// What a create may not bring along (apiserver's `WipeObjectMetaSystemFields`), and what this server does not keep.
pub(crate) fn wipe(object: &mut Value) {
    let metadata = map(object);
    for key in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "generation"] {
        metadata.remove(key);
    }
}

/// What a create gets.
pub(crate) fn fill(object: &mut Value, now: &str, uid: String) {
    let metadata = map(object);
    metadata.insert("creationTimestamp".to_owned(), now.into());
    metadata.insert("uid".to_owned(), uid.into());
}

/// What an update takes from the stored object, whatever the client sent.
pub(crate) fn keep(object: &mut Value, old: &Value) {
    let metadata = map(object);
    let was = |key: &str| get(old, key).cloned();
    let mut restore = |key: &str, value: Option<Value>| match value {
        Some(value) => {
            metadata.insert(key.to_owned(), value);
        }
        None => {
            metadata.remove(key);
        }
    };
    restore("generation", was("generation"));
    restore("creationTimestamp", was("creationTimestamp"));
    restore("managedFields", was("managedFields"));
    restore("selfLink", None);
    if was("deletionTimestamp").is_some() {
        restore("deletionTimestamp", was("deletionTimestamp"));
    }
    if !metadata.contains_key("deletionGracePeriodSeconds") {
        restore_one(metadata, old, "deletionGracePeriodSeconds");
    }
    if metadata.get("uid").and_then(Value::as_str).unwrap_or("").is_empty() {
        restore_one(metadata, old, "uid");
    }
}

fn restore_one(metadata: &mut Map<String, Value>, old: &Value, key: &str) {
    if let Some(value) = get(old, key) {
        metadata.insert(key.to_owned(), value.clone());
    }
}

/// Equal but for the revision: the write would change nothing.
pub(crate) fn same(new: &Value, old: &Value) -> bool {
    let (Some(new), Some(old)) = (new.as_object(), old.as_object()) else { return new == old };
    let rest = |map: &Map<String, Value>| map.keys().filter(|key| *key != "metadata").count();
    let others = |(key, value): (&String, &Value)| key == "metadata" || old.get(key) == Some(value);
    let metadata = |map: &Map<String, Value>| {
        let mut metadata = map.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
        metadata.remove("resourceVersion");
        metadata
    };
    rest(new) == rest(old) && new.iter().all(others) && metadata(new) == metadata(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_changes_the_revision_alone_changes_nothing() {
        let old = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "v"}});
        let mut new = old.clone();
        new["metadata"]["resourceVersion"] = "7".into();
        assert!(same(&new, &old));
        new["data"]["k"] = "w".into();
        assert!(!same(&new, &old));
    }

    #[test]
    fn an_update_cannot_take_back_a_deletion() {
        let old = json!({"metadata": {"uid": "u", "deletionTimestamp": "t", "deletionGracePeriodSeconds": 0, "generation": 3}});
        let mut new = json!({"metadata": {"generation": 9, "labels": {"a": "b"}}});
        keep(&mut new, &old);
        let expected = json!({"metadata": {"uid": "u", "deletionTimestamp": "t", "deletionGracePeriodSeconds": 0,
            "generation": 3, "labels": {"a": "b"}}});
        assert_eq!(new, expected);
    }
}
