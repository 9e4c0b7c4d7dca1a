//! Pure functions on JSON: no store, no clock, no HTTP.

pub(crate) mod field;
pub(crate) mod names;
pub(crate) mod schema;
pub(crate) mod selector;
