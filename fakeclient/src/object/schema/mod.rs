//! Schemas of custom resources and built-in kinds: pruning, defaults and validation, in the order of a write.

pub(crate) mod components;
pub(crate) mod resource_schema;
pub(crate) mod structural;

pub(crate) mod field_path;

pub(crate) mod embedded;

pub(crate) mod prune;

pub(crate) mod default;

pub(crate) mod correlate;
pub(crate) mod validate;

pub(crate) mod list_types;
