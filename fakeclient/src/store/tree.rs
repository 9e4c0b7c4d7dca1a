//! Snapshots: immutable trees of objects at a revision.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::key::{Key, KeyParts, Revision};
use super::object::Object;

/// All objects at one revision. Clones share all data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(super) objects: RedBlackTreeMapSync<Key, Arc<Object>>,
    pub(super) revision: Revision,
}

impl Snapshot {
    /// The revision of the snapshot.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// The object with the key of these parts.
    pub(crate) fn get_at(&self, resource: &str, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        let parts = (resource, namespace, name);
        self.objects.get::<dyn KeyParts + '_>(&parts)
    }

    /// The objects of a resource in key order, of one namespace or of all; only those after `after`, if that is set.
    pub(crate) fn range<'a>(
        &'a self,
        resource: &str,
        namespace: Option<&str>,
        after: Option<&Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Object>)> + use<'a> {
        let bounds = match after {
            Some(key) => self.first_from(Bound::Excluded(key)),
            None => self.first_from(Bound::Included(&(resource, namespace.unwrap_or(""), ""))),
        };
        let first = bounds.filter(|first| {
            *first.resource == *resource && namespace.is_none_or(|wanted| *first.namespace == *wanted)
        });
        let whole_resource = namespace.is_none();
        let found = first.map(|first| {
            self.objects.range((Bound::Included(first.clone()), Bound::Unbounded)).take_while(
                move |(key, _)| key.has_resource_of(first) && (whole_resource || key.has_namespace_of(first)),
            )
        });
        found.into_iter().flatten()
    }

    /// The first key from this bound on.
    fn first_from<'b>(&self, from: Bound<&'b (dyn KeyParts + 'b)>) -> Option<&Key> {
        self.objects.range::<dyn KeyParts + 'b, _>((from, Bound::Unbounded)).next().map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Expect, Store, Write};
    use super::*;
    use serde_json::json;

    fn store(keys: &[(&str, &str, &str)]) -> Store {
        let store = Store::default();
        for (resource, namespace, name) in keys {
            let value = json!({"metadata": {"name": name}});
            let write = Write {
                key: Key::new(resource, namespace, name),
                expect: Expect::Absent,
                change: Change::Put(value.into()),
            };
            store.commit(vec![write]).expect("the key is free");
        }
        store
    }

    #[test]
    fn range_contains_one_resource_and_namespace() {
        let store =
            store(&[("pods", "a", "x"), ("pods", "b", "y"), ("podtemplates", "a", "z"), ("pods", "ab", "w")]);
        let names = |namespace| -> Vec<String> {
            let snapshot = store.snapshot();
            snapshot.range("pods", namespace, None).map(|(k, _)| k.name.to_string()).collect()
        };
        assert_eq!(names(None), ["x", "w", "y"]);
        assert_eq!(names(Some("a")), ["x"], "namespace ab starts with a and must not be taken for it");
    }

    #[test]
    fn range_continues_after_a_deleted_key() {
        let store = store(&[("pods", "a", "x"), ("pods", "a", "z")]);
        let snapshot = store.snapshot();
        let after = Key::new("pods", "a", "y");
        let names: Vec<_> =
            snapshot.range("pods", Some("a"), Some(&after)).map(|(k, _)| k.name.to_string()).collect();
        assert_eq!(names, ["z"]);
    }

    #[test]
    fn snapshot_does_not_contain_later_writes() {
        let store = store(&[("pods", "a", "x")]);
        let before = store.snapshot();
        let key = Key::new("pods", "a", "x");
        let expect = Expect::At(before.get(&key).expect("it was put").revision());
        let write = Write { key, expect, change: Change::Delete(json!({}).into()) };
        store.commit(vec![write]).expect("the pod exists");
        assert_eq!(before.range("pods", None, None).count(), 1);
        assert_eq!(store.snapshot().range("pods", None, None).count(), 0);
    }
}
