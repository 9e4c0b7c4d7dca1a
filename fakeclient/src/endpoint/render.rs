//! Rendering of outcomes: objects, lists and watch frames in the negotiated form.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};

use super::media::ResponseForm;
use super::response::{Reply, WatchFrames};
use crate::error::ApiError;
use crate::instruments::clock::Clock;
use crate::kinds::columns::printers;
use crate::object::table::custom;
use crate::object::table::include_object::IncludeObjectPolicy;
use crate::object::table::response::{self as table_response, TableOptions};
use crate::object::view::metadata;
use crate::registry::resource::Resource;
use crate::store::Revision;
use crate::verbs::outcome::{ListPage, ServedObject};
use crate::verbs::watch::WatchEvent;

/// Renderer of the responses to one request.
#[derive(Clone)]
pub(crate) struct Renderer {
    pub(crate) resource: Arc<Resource>,
    pub(crate) form: ResponseForm,
    /// The query's `includeObject`, for tables.
    pub(crate) include_object: Option<String>,
    pub(crate) clock: Clock,
}

impl Renderer {
    /// One object.
    pub(crate) fn object(&self, code: u16, object: &ServedObject) -> Result<Reply, ApiError> {
        if self.form == ResponseForm::Object {
            return Ok(Reply::bytes(code, object.bytes()));
        }
        Ok(Reply::value(code, &self.rendered(object.with_managed_fields(), true)?))
    }

    /// One page of a list.
    pub(crate) fn list(&self, list: &ListPage) -> Result<Reply, ApiError> {
        let mut meta = json!({"resourceVersion": list.revision.to_string()});
        match &list.next {
            Some(next) => meta["continue"] = next.as_str().into(),
            // Lists of custom resources always print the token.
            None if self.resource.lists_print_empty_continue() && self.form == ResponseForm::Object => {
                meta["continue"] = "".into();
            }
            None => {}
        }
        if let Some(remaining) = list.remaining {
            meta["remainingItemCount"] = remaining.into();
        }
        if matches!(self.form, ResponseForm::Table(_)) {
            let objects: Vec<Value> = list.items.iter().map(ServedObject::with_managed_fields).collect();
            let objects: Vec<&Value> = objects.iter().collect();
            return Ok(Reply::value(200, &self.table(&objects, meta, true)?));
        }
        let items: Vec<Bytes> = list.items.iter().map(|object| self.item(object)).collect();
        Ok(self.items(&items, meta))
    }

    fn item(&self, object: &ServedObject) -> Bytes {
        match self.form {
            ResponseForm::Metadata(version) => {
                table_response::partial(&object.with_managed_fields(), version).to_string().into()
            }
            _ if self.resource.list_items_omit_type() => object.item_bytes(),
            _ => object.bytes(),
        }
    }

    fn items(&self, items: &[Bytes], meta: Value) -> Reply {
        let mut body = Vec::with_capacity(items.iter().map(Bytes::len).sum::<usize>() + items.len() + 256);
        let (kind, api_version) = match self.form {
            ResponseForm::Metadata(version) => {
                ("PartialObjectMetadataList", format!("meta.k8s.io/{version}"))
            }
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

    /// The Status of a completed delete.
    pub(crate) fn deleted(&self, name: &str, object: &Value) -> Value {
        let mut details = json!({
            "name": name, "kind": self.resource.plural, "uid": metadata::text(object, "uid"),
        });
        if !self.resource.group.is_empty() {
            details["group"] = self.resource.group.as_str().into();
        }
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
    }

    /// The frames of a watch. A table has its column definitions in the first frame only.
    pub(crate) fn watch(self, events: BoxStream<'static, WatchEvent>) -> WatchFrames {
        let mut columns = true;
        Box::pin(events.map(move |event| self.frame(event, &mut columns)))
    }

    fn frame(&self, event: WatchEvent, columns: &mut bool) -> Bytes {
        // The JSON of an object is serialised once, for all responses and watches.
        if self.form == ResponseForm::Object {
            match &event {
                WatchEvent::Added(object) => return line_of_bytes("ADDED", &object.bytes()),
                WatchEvent::Modified(object) => return line_of_bytes("MODIFIED", &object.bytes()),
                WatchEvent::Deleted(object, revision) if object.revision() == *revision => {
                    return line_of_bytes("DELETED", &object.bytes());
                }
                _ => {}
            }
        }
        let shown = match event {
            WatchEvent::Added(object) => ("ADDED", self.framed(&object, None, columns)),
            WatchEvent::Modified(object) => ("MODIFIED", self.framed(&object, None, columns)),
            WatchEvent::Deleted(object, revision) => {
                ("DELETED", self.framed(&object, Some(revision), columns))
            }
            WatchEvent::Bookmark { revision, initial_events_end } => {
                ("BOOKMARK", self.bookmark(revision, initial_events_end))
            }
            WatchEvent::Error(error) => ("ERROR", Err(error)),
        };
        match shown {
            (kind, Ok(value)) => line(kind, &value),
            (_, Err(error)) => line("ERROR", &error.to_status()),
        }
    }

    fn framed(
        &self,
        object: &ServedObject,
        revision: Option<Revision>,
        columns: &mut bool,
    ) -> Result<Value, ApiError> {
        let mut value = object.with_managed_fields();
        if let Some(revision) = revision {
            metadata::set(&mut value, "resourceVersion", revision.to_string().into());
        }
        self.rendered(value, std::mem::take(columns))
    }

    fn bookmark(&self, revision: Revision, initial_events_end: bool) -> Result<Value, ApiError> {
        let mut value = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": {"resourceVersion": revision.to_string()},
        });
        if initial_events_end {
            value["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.rendered(value, false)
    }

    /// An object in the negotiated form. `columns` is true if a table prints its column definitions.
    fn rendered(&self, value: Value, columns: bool) -> Result<Value, ApiError> {
        Ok(match self.form {
            ResponseForm::Object => value,
            ResponseForm::Metadata(version) => table_response::partial(&value, version),
            ResponseForm::Table(_) => {
                self.table(&[&value], table_response::metadata_of_one(&value), columns)?
            }
        })
    }

    /// A `meta.k8s.io` Table of the objects.
    fn table(&self, objects: &[&Value], meta: Value, columns: bool) -> Result<Value, ApiError> {
        let options = TableOptions {
            version: if let ResponseForm::Table(version) = self.form { version } else { "v1" },
            include: IncludeObjectPolicy::parse(self.include_object.as_deref())?,
            headers: columns,
            now: self.clock.now(),
        };
        let printer = match self.resource.component() {
            Some(_) => printers::printer(&self.resource),
            None => custom::printer(&self.resource.columns),
        };
        Ok(table_response::table(&printer, objects.iter().copied(), meta, options))
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    line_of_bytes(kind, object.to_string().as_bytes())
}

fn line_of_bytes(kind: &str, object: &[u8]) -> Bytes {
    let parts: [&[u8]; 5] = [b"{\"type\":\"", kind.as_bytes(), b"\",\"object\":", object, b"}\n"];
    parts.concat().into()
}
