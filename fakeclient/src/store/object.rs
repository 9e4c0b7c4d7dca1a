//! One stored object: its JSON, its managed fields, the revision that wrote it, and its serialised form, made once.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

use super::key::Revision;
use crate::object::apply::managed_fields::{ManagedFields, write_whole};

/// An object as a write leaves it. Its managed fields stand beside it: they are large, and few readers want them.
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

/// An object as it was written; never changed in place.
#[derive(Debug)]
pub(crate) struct Object {
    content: Content,
    revision: Revision,
    bytes: OnceLock<Bytes>,
    item: OnceLock<Bytes>,
}

impl Object {
    pub(super) fn new(mut content: Content, revision: Revision) -> Self {
        if let Some(metadata) = content.value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".into(), revision.to_string().into());
        }
        Self { revision, ..Self::unstored(content) }
    }

    /// An object that is not written: the outcome of a dry run, or of a write that lets the object go.
    pub(crate) fn unstored(content: Content) -> Self {
        Self { content, revision: Revision(0), bytes: OnceLock::new(), item: OnceLock::new() }
    }

    /// The object without its managed fields, `metadata.resourceVersion` included.
    pub(crate) fn value(&self) -> &Value {
        &self.content.value
    }

    pub(crate) fn managed_fields(&self) -> &ManagedFields {
        &self.content.managed_fields
    }

    /// The object and its managed fields, to be written again.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Revision of the write (for a deleted object: of its deletion).
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The whole object as compact JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.get_or_init(|| self.serialised(false)).clone()
    }

    /// The whole object as it stands in a list whose type says the kind: without `kind` and `apiVersion`.
    pub(crate) fn item_bytes(&self) -> Bytes {
        self.item.get_or_init(|| self.serialised(true)).clone()
    }

    fn serialised(&self, untyped: bool) -> Bytes {
        write_whole(self.value(), self.managed_fields(), untyped).into()
    }
}
