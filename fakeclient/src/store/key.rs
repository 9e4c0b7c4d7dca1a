//! Keys and revisions of stored objects.

use std::fmt;
use std::sync::Arc;

/// A revision of the store. Each write increments it. Zero means "never written".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Revision(pub(crate) u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Storage key of an object. Ordered by resource, namespace and name, as lists are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Group and plural without version: `pods`, `deployments.apps`.
    pub(crate) resource: Arc<str>,
    /// Empty for cluster-scoped objects.
    pub(crate) namespace: Arc<str>,
    /// Name of the object.
    pub(crate) name: Arc<str>,
}

impl Key {
    pub(crate) fn new(resource: &str, namespace: &str, name: &str) -> Self {
        Self { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }

    /// The smallest key that is greater than this one.
    pub(crate) fn successor(&self) -> Self {
        let name = format!("{}\u{0}", self.name);
        Self { resource: self.resource.clone(), namespace: self.namespace.clone(), name: name.into() }
    }
}
