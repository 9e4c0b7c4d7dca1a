//! Attributes of a write for admission plugins (apiserver's `admission.Attributes`).

use serde_json::Value;

use crate::error::ApiError;
use crate::error::warnings::Warnings;
use crate::registry::resource::Resource;
use crate::registry::strategy::StoreView;
use crate::registry::webhook::WebhookCaller;

/// The operation of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// A write, as admission plugins see it.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) operation: Operation,
    pub(crate) resource: &'a Resource,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    /// Empty until a generated name is known.
    pub(crate) name: &'a str,
    /// The stored object, except on create.
    pub(crate) old: Option<&'a Value>,
    pub(crate) store_view: &'a dyn StoreView,
    /// `None` in tests of plugins that call no webhook.
    pub(crate) webhooks: Option<&'a dyn WebhookCaller>,
    /// Texts of `Warning` headers.
    pub(crate) warnings: &'a Warnings,
}

impl Attributes<'_> {
    /// True if the write is to this resource itself, not to one of its subresources.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.plural == plural && self.resource.group == group && self.subresource.is_empty()
    }

    /// Adds a `Warning` header to the response, at most once for each text.
    pub(crate) fn warn(&self, text: String) {
        self.warnings.push_once(text);
    }

    /// 403 with a plugin's message. For an object without a name, the message shows `generateName`.
    pub(crate) fn forbidden(&self, object: &Value, why: &str) -> ApiError {
        let given = |key: &str| object["metadata"][key].as_str().filter(|text| !text.is_empty());
        let name = Some(self.name).filter(|name| !name.is_empty());
        let name = name.or_else(|| given("name")).or_else(|| given("generateName")).unwrap_or("Unknown");
        ApiError::forbidden(&self.resource.group, &self.resource.plural, name, why)
    }
}
