//! Single fields of `metadata`, as the verbs read and write them; its rules are `object::meta`'s.

use serde_json::{Map, Value};

use crate::object::meta::of_mut;

/// `metadata.KEY`, if it is there and not null.
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
    use serde_json::json;

    #[test]
    fn a_write_that_changes_the_revision_alone_changes_nothing() {
        let old = json!({"metadata": {"name": "a", "resourceVersion": "1"}, "data": {"k": "v"}});
        let mut new = old.clone();
        new["metadata"]["resourceVersion"] = "7".into();
        assert!(same(&new, &old));
        new["data"]["k"] = "w".into();
        assert!(!same(&new, &old));
    }
}
