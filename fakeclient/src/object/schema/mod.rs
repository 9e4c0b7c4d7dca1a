//! Schemas: what they say, and what they do to a value, in the order in which a write meets them.

pub(crate) mod components;
pub(crate) mod shape;
pub(crate) mod structural;

pub(crate) mod field_path;

pub(crate) mod embedded;

pub(crate) mod prune;

pub(crate) mod default;

pub(crate) mod correlate;
pub(crate) mod validate;

pub(crate) mod list_types;
