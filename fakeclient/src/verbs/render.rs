//! An object or a list in the form that the client accepts.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use super::scope::Scope;
use crate::endpoint::media::Form;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::table::answer::{self, TableOptions};
use crate::object::table::request::Include;
use crate::store::Object;

impl Scope<'_> {
    /// One object as a write or a read found it, in the served version.
    pub(crate) fn reply(&self, code: u16, object: &Object) -> Result<Reply, ApiError> {
        match self.core.served(&self.resource, object.value())? {
            Cow::Borrowed(_) if self.form == Form::Object => Ok(Reply::bytes(code, object.bytes())),
            value => Ok(Reply::value(code, &self.rendered(&whole(value, object), true)?)),
        }
    }

    /// An object with its managed fields, in the served version.
    pub(crate) fn whole(&self, object: &Object) -> Result<Value, ApiError> {
        Ok(whole(self.core.served(&self.resource, object.value())?, object))
    }

    /// One object as a watch frame or an answer shows it. `columns` is whether a table tells its columns.
    pub(crate) fn rendered(&self, value: &Value, columns: bool) -> Result<Value, ApiError> {
        Ok(match self.form {
            Form::Object => value.clone(),
            Form::Metadata(version) => answer::partial(value, version),
            Form::Table(_) => self.table(&[value], answer::metadata_of_one(value), columns)?,
        })
    }

    /// A list's answer from its items.
    pub(crate) fn reply_list(&self, items: &[Bytes], meta: Value) -> Reply {
        let mut body = Vec::with_capacity(items.iter().map(Bytes::len).sum::<usize>() + items.len() + 256);
        let (kind, api_version) = match self.form {
            Form::Metadata(version) => ("PartialObjectMetadataList", format!("meta.k8s.io/{version}")),
            _ => (self.resource.list_kind.as_str(), self.resource.api_version()),
        };
        let mut head = json!({"kind": kind, "apiVersion": api_version});
        head["metadata"] = meta;
        let head = head.to_string();
        body.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        body.extend_from_slice(b",\"items\":[");
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(item);
        }
        body.extend_from_slice(b"]}");
        Reply::bytes(200, body.into())
    }

    /// A `meta.k8s.io` Table of these objects.
    pub(crate) fn table(&self, objects: &[&Value], meta: Value, columns: bool) -> Result<Value, ApiError> {
        let options = TableOptions {
            version: if let Form::Table(version) = self.form { version } else { "v1" },
            include: Include::parse(self.query.get("includeObject"))?,
            headers: columns,
            now: self.core.clock.now(),
        };
        Ok(answer::table(&self.resource, objects.iter().copied(), meta, options))
    }
}

fn whole(served: Cow<'_, Value>, object: &Object) -> Value {
    let mut value = served.into_owned();
    object.managed_fields().put(&mut value);
    value
}
