//! One stored object: its JSON, the revision that wrote it, and its serialised form, made once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

use super::Revision;

/// An object as it was written; never changed in place.
#[derive(Debug)]
pub(crate) struct Object {
    value: Value,
    revision: Revision,
    bytes: OnceLock<Bytes>,
    item: OnceLock<Bytes>,
}

impl Object {
    pub(super) fn new(mut value: Value, revision: Revision) -> Self {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self { value, revision, bytes: OnceLock::new(), item: OnceLock::new() }
    }

    /// The object, `metadata.resourceVersion` included.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Revision of the write (for a deleted object: of its deletion).
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The object as compact JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes
            .get_or_init(|| serde_json::to_vec(&self.value).expect("a JSON value can be serialised").into())
            .clone()
    }

    /// The object as it stands in a list whose type says the kind: without `kind` and `apiVersion`.
    pub(crate) fn item_bytes(&self) -> Bytes {
        let make = || {
            let fields = self.value.as_object().into_iter().flatten();
            let item: BTreeMap<_, _> =
                fields.filter(|(key, _)| !matches!(key.as_str(), "kind" | "apiVersion")).collect();
            serde_json::to_vec(&item).expect("a JSON value can be serialised").into()
        };
        self.item.get_or_init(make).clone()
    }
}
