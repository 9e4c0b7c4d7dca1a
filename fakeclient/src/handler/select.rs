//! Which objects a list or a watch means.

use std::borrow::Cow;
use std::cell::RefCell;

use serde_json::Value;

use crate::error::ApiError;
use crate::object::selector::field::{FieldSelector, Refusal, field_text};
use crate::object::selector::label::LabelSelector;
use crate::registry::resource::Resource;

/// Label and field selectors of one request, checked against the resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let labels = LabelSelector::parse(labels).map_err(|why| {
            ApiError::bad_request(format!("unable to parse requirement: {why}").replace(
                "unable to parse requirement: unable to parse requirement",
                "unable to parse requirement",
            ))
        })?;
        let fields = FieldSelector::parse(fields).map_err(ApiError::bad_request)?;
        let why = RefCell::new(None);
        let offered = |label: &str| match resource.selectable(label) {
            Ok(_) => true,
            Err(text) => {
                *why.borrow_mut() = Some(text);
                false
            }
        };
        if let Err(text) = fields.check(offered, Refusal::NotSupported) {
            return Err(ApiError::bad_request(why.into_inner().unwrap_or(text)));
        }
        Ok(Self { labels, fields })
    }

    /// Everything is selected.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The one name that can match, if the selector says one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.exact("metadata.name")
    }

    /// The one namespace that can match, if the selector says one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.fields.exact("metadata.namespace")
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        if !self.labels.is_empty() {
            let labels = object.get("metadata").and_then(|m| m.get("labels")).and_then(Value::as_object);
            if !self.labels.matches(labels) {
                return false;
            }
        }
        self.fields.is_empty() || self.fields.matches(|label| value_of(resource, object, label))
    }
}

fn value_of<'v>(resource: &Resource, object: &'v Value, label: &str) -> Cow<'v, str> {
    let Ok(field) = resource.selectable(label) else { return Cow::Borrowed("") };
    let found = field.paths.iter().map(|path| field_text(object, path)).find(|text| !text.is_empty());
    found.unwrap_or_else(|| Cow::Owned(field.absent.clone()))
}
