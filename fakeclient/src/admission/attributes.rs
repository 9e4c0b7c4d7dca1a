//! The attributes of a write, as admission plugins see it (the mirror of apiserver's `admission.Attributes`).

use serde_json::Value;

use crate::error::ApiError;
use crate::error::warnings::Warnings;
use crate::registry::resource::Resource;
use crate::registry::strategy::Peers;

/// The operation of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

/// A write, as admission sees it.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a> {
    pub(crate) operation: Operation,
    pub(crate) resource: &'a Resource,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    /// Empty while a name is still to be generated.
    pub(crate) name: &'a str,
    /// The stored object, except on create.
    pub(crate) old: Option<&'a Value>,
    pub(crate) peers: &'a dyn Peers,
    /// Texts of `Warning` headers.
    pub(crate) warnings: &'a Warnings,
}

impl Attributes<'_> {
    /// Whether the write is about this resource itself, not about one of its subresources.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.resource.plural == plural && self.resource.group == group && self.subresource.is_empty()
    }

    /// Tells the client something beside the answer, once.
    pub(crate) fn warn(&self, text: String) {
        self.warnings.push_once(text);
    }

    /// 403 in the words of a plugin. A name that is still to be generated shows as what it will be made of.
    pub(crate) fn forbidden(&self, object: &Value, why: &str) -> ApiError {
        let given = |key: &str| object["metadata"][key].as_str().filter(|text| !text.is_empty());
        let name = Some(self.name).filter(|name| !name.is_empty());
        let name = name.or_else(|| given("name")).or_else(|| given("generateName")).unwrap_or("Unknown");
        ApiError::forbidden(&self.resource.group, &self.resource.plural, name, why)
    }
}
