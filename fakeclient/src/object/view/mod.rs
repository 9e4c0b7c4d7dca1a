//! Views of JSON objects: their fields, and their metadata.

pub(crate) mod fields;
pub(crate) mod metadata;
pub(crate) mod path;
