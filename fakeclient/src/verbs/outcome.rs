//! Outcomes of verbs: objects in the version that was asked for, with the bytes that are stored for them.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::scope::RequestScope;
use crate::error::ApiError;
use crate::store::{Object, Revision};

/// A stored object in the version of the request.
#[derive(Clone, Debug)]
pub(crate) struct ServedObject {
    stored: Arc<Object>,
    /// The object in the version of the request, where that is not what is stored.
    converted: Option<Value>,
}

impl ServedObject {
    /// The revision that the object shows.
    pub(crate) fn revision(&self) -> Revision {
        self.stored.revision()
    }

    /// The object without its managed fields.
    pub(crate) fn value(&self) -> &Value {
        self.converted.as_ref().unwrap_or_else(|| self.stored.value())
    }

    /// The object with its managed fields.
    pub(crate) fn whole(&self) -> Value {
        let mut value = self.value().clone();
        self.stored.managed_fields().put(&mut value);
        value
    }

    /// The whole object as compact JSON. Serialised once for each stored object.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.converted {
            None => self.stored.bytes(),
            Some(_) => serialised(&self.whole()),
        }
    }

    /// The whole object without `apiVersion` and `kind`, as compact JSON. Serialised once for each stored object.
    pub(crate) fn item_bytes(&self) -> Bytes {
        if self.converted.is_none() {
            return self.stored.item_bytes();
        }
        let mut whole = self.whole();
        if let Some(map) = whole.as_object_mut() {
            map.remove("kind");
            map.remove("apiVersion");
        }
        serialised(&whole)
    }
}

fn serialised(value: &Value) -> Bytes {
    serde_json::to_vec(value).expect("a JSON value can be serialised").into()
}

/// The object that a write has left.
pub(crate) struct Written {
    pub(crate) object: ServedObject,
    /// Whether the write has created it.
    pub(crate) created: bool,
}

/// One page of a list.
pub(crate) struct List {
    pub(crate) items: Vec<ServedObject>,
    /// The revision that the list shows.
    pub(crate) revision: Revision,
    /// The token of the next page, if there is one.
    pub(crate) next: Option<String>,
    /// How many objects are left, where there is a next page and no selector.
    pub(crate) remaining: Option<usize>,
}

impl RequestScope {
    /// A stored object in the version of the request.
    pub(crate) async fn served(&self, stored: Arc<Object>) -> Result<ServedObject, ApiError> {
        let converted = match self.state.served(&self.resource, stored.value()).await? {
            Cow::Borrowed(_) => None,
            Cow::Owned(value) => Some(value),
        };
        Ok(ServedObject { stored, converted })
    }
}
