//! Correlation of new and old values, for ratcheting (KEP-4008) and transition rules.
//!
//! Fields correlate by name, items of a list map by their keys. Items of other lists and unspecified values do not
//! correlate.

use serde_json::Value;

use super::structural::{ListType, Structural};

/// A new value, its correlated old value, and their schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correlated<'a> {
    /// The value in the request.
    pub(crate) new: &'a Value,
    /// The stored value.
    pub(crate) old: &'a Value,
    /// The schema of both values.
    pub(crate) schema: &'a Structural,
}

impl Correlated<'_> {
    /// The pair of a field's values.
    pub(crate) fn key(self, name: &str) -> Option<Self> {
        let new = self.new.as_object()?.get(name)?;
        let old = self.old.as_object()?.get(name)?;
        Some(Self { new, old, schema: self.schema.field(name)? })
    }

    /// The pair of an item of the new list.
    pub(crate) fn index(self, index: usize) -> Option<Self> {
        let new = self.new.as_array()?.get(index)?;
        let old = item_with_same_keys(self.schema, self.old.as_array()?, new)?;
        Some(Self { new, old, schema: self.schema.items.as_deref()? })
    }

    /// True if the values are equal, regardless of the order of list maps.
    pub(crate) fn equal(self) -> bool {
        match (self.new, self.old) {
            (Value::Array(new), Value::Array(old)) => {
                if new.len() != old.len() {
                    return false;
                }
                if matches!(self.schema.list, ListType::Map(_)) {
                    (0..new.len()).all(|i| self.index(i).is_some_and(Self::equal))
                } else {
                    new == old
                }
            }
            (Value::Object(new), Value::Object(old)) => {
                new.len() == old.len() && new.keys().all(|k| self.key(k).is_some_and(Self::equal))
            }
            (new, old) => new == old,
        }
    }
}

/// The item of the list map `list` with the same keys as `item`.
fn item_with_same_keys<'a>(schema: &Structural, list: &'a [Value], item: &Value) -> Option<&'a Value> {
    let ListType::Map(keys) = &schema.list else { return None };
    list.iter().find(|other| keys.iter().all(|key| other.get(key) == item.get(key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_of_a_list_map_correlate_by_key() {
        let schema = Structural::parse(&json!({"type": "array", "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"], "items": {"type": "object", "properties": {
                "k": {"type": "string"}, "v": {"type": "integer"}}}}));
        let old = json!([{"k": "a", "v": 1}, {"k": "b", "v": 2}]);
        let new = json!([{"k": "b", "v": 2}, {"k": "a", "v": 1}]);
        let pair = Correlated { new: &new, old: &old, schema: &schema };
        assert!(pair.equal());
        assert_eq!(pair.index(0).unwrap().old, &old[1]);
    }

    #[test]
    fn items_of_an_atomic_list_do_not_correlate() {
        let schema = Structural::parse(&json!({"type": "array", "items": {"type": "integer"}}));
        let (old, new) = (json!([1, 2]), json!([1, 2]));
        let pair = Correlated { new: &new, old: &old, schema: &schema };
        assert!(pair.index(0).is_none());
        assert!(pair.equal());
    }
}
