//! The selection of a list or a watch: its label and field selectors.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::selector::field::FieldSelector;
use crate::object::selector::label::LabelSelector;
use crate::registry::resource::Resource;
use crate::store::Object;

/// Label and field selectors of a request, validated against the resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Selection {
    pub(crate) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, ApiError> {
        let labels = LabelSelector::parse(labels).map_err(ApiError::bad_request)?;
        let fields = FieldSelector::parse(fields).map_err(ApiError::bad_request)?;
        fields.check(&resource.selectable).map_err(ApiError::bad_request)?;
        Ok(Self { labels, fields })
    }

    /// True if everything is selected.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The only name that can match, if the field selector requires one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields.exact("metadata.name")
    }

    /// The only namespace that can match, if the field selector requires one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        self.fields.exact("metadata.namespace")
    }

    /// True if the selectors match an object that is stored in the version of `resource`.
    pub(crate) fn matches_stored(&self, resource: &Resource, object: &Object) -> bool {
        self.labels.matches_values(|key| object.labels().get(key))
            && (self.fields.is_empty() || self.fields.matches_object(object.value(), &resource.selectable))
    }

    pub(crate) fn matches(&self, resource: &Resource, object: &Value) -> bool {
        if !self.labels.is_empty() {
            let labels = object.get("metadata").and_then(|m| m.get("labels")).and_then(Value::as_object);
            if !self.labels.matches(labels) {
                return false;
            }
        }
        self.fields.is_empty() || self.fields.matches_object(object, &resource.selectable)
    }
}
