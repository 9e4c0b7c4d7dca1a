//! Stored objects: JSON, managed fields, revision, and the cached serialised form.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

use super::key::Revision;
use super::labels::Labels;
use crate::object::apply::managed_fields::{ManagedFields, write_whole};

/// The content of an object. Managed fields are separate, because they are large and seldom read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Content {
    /// The object without `metadata.managedFields`.
    pub(crate) value: Value,
    pub(crate) managed_fields: ManagedFields,
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self { value, managed_fields: ManagedFields::default() }
    }
}

/// A stored object, immutable.
#[derive(Debug)]
pub(crate) struct Object {
    content: Content,
    revision: Revision,
    labels: Labels,
    bytes: OnceLock<Bytes>,
    item: OnceLock<Bytes>,
}

impl Object {
    pub(super) fn new(mut content: Content, revision: Revision) -> Self {
        if let Some(metadata) = content.value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self { revision, ..Self::uncommitted(content) }
    }

    /// An object that is not stored: the result of a dry run, or of a write that removes the last finalizer.
    pub(crate) fn uncommitted(content: Content) -> Self {
        let labels = Labels::of(&content.value);
        Self { content, revision: Revision(0), labels, bytes: OnceLock::new(), item: OnceLock::new() }
    }

    /// The object without managed fields, with `metadata.resourceVersion`.
    pub(crate) fn value(&self) -> &Value {
        &self.content.value
    }

    pub(crate) fn managed_fields(&self) -> &ManagedFields {
        &self.content.managed_fields
    }

    pub(crate) fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The content, for another write.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Revision of the write; for a deleted object, of its deletion.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The object with managed fields, as compact JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.get_or_init(|| self.serialised(false)).clone()
    }

    /// The object as a list item of a typed list: without `kind` and `apiVersion`.
    pub(crate) fn item_bytes(&self) -> Bytes {
        self.item.get_or_init(|| self.serialised(true)).clone()
    }

    fn serialised(&self, untyped: bool) -> Bytes {
        write_whole(self.value(), self.managed_fields(), untyped).into()
    }
}
