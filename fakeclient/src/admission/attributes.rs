//! What an admission plugin knows of a request.

use serde_json::Value;

use crate::registry::resource::Resource;
use crate::registry::strategy::Peers;

/// What is being done.
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
    pub(crate) user: &'a str,
    pub(crate) dry_run: bool,
    /// The stored object, except on create.
    pub(crate) old: Option<&'a Value>,
    pub(crate) peers: &'a dyn Peers,
}
