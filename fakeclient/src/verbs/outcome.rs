//! Outcomes of verbs: objects in the requested version, with their serialised form.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::scope::RequestScope;
use crate::error::ApiError;
use crate::state::conversion::ConversionError;
use crate::store::{Object, Revision};

/// A stored object in the version of the request.
#[derive(Clone, Debug)]
pub(crate) struct ServedObject {
    stored: Arc<Object>,
    /// The object in the version of the request, if that is not the storage version.
    converted: Option<Value>,
}

impl ServedObject {
    /// The object's revision.
    pub(crate) fn revision(&self) -> Revision {
        self.stored.revision()
    }

    /// The object without managed fields.
    pub(crate) fn value(&self) -> &Value {
        self.converted.as_ref().unwrap_or_else(|| self.stored.value())
    }

    /// The object with managed fields.
    pub(crate) fn with_managed_fields(&self) -> Value {
        let mut value = self.value().clone();
        self.stored.managed_fields().put(&mut value);
        value
    }

    /// The object with managed fields as compact JSON. Serialised once per stored object.
    pub(crate) fn bytes(&self) -> Bytes {
        match &self.converted {
            None => self.stored.bytes(),
            Some(_) => serialised(&self.with_managed_fields()),
        }
    }

    /// The same without `apiVersion` and `kind`. Serialised once per stored object.
    pub(crate) fn item_bytes(&self) -> Bytes {
        if self.converted.is_none() {
            return self.stored.item_bytes();
        }
        let mut whole = self.with_managed_fields();
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

/// The object after a write.
pub(crate) struct Written {
    pub(crate) object: ServedObject,
    /// True if the write created it.
    pub(crate) created: bool,
}

/// One page of a list.
pub(crate) struct ListPage {
    pub(crate) items: Vec<ServedObject>,
    /// The revision of the list.
    pub(crate) revision: Revision,
    /// The continue token, if there is another page.
    pub(crate) next: Option<String>,
    /// The number of remaining objects; unset without another page or with a selector.
    pub(crate) remaining: Option<usize>,
}

impl RequestScope {
    /// A stored object in the version of the request.
    pub(crate) async fn served(&self, stored: Arc<Object>) -> Result<ServedObject, ConversionError> {
        let converted = match self.state.served(&self.resource, stored.value()).await? {
            Cow::Borrowed(_) => None,
            Cow::Owned(value) => Some(value),
        };
        Ok(ServedObject { stored, converted })
    }

    /// 500 for a stored object that cannot be read in the version of the request.
    pub(crate) fn unreadable(&self, error: ConversionError) -> ApiError {
        // The path in etcd is shown without its prefix here.
        let key = self.etcd_key();
        let key = key.strip_prefix("/registry").unwrap_or(&key);
        if error.is_not_modelled() { error.into() } else { ApiError::internal(&error.corrupt(key)) }
    }
}
