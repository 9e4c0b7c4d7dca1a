//! Access to the fields and metadata of JSON objects.

pub(crate) mod fields;
pub(crate) mod metadata;
pub(crate) mod path;
