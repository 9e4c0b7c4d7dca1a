//! Pure functions on JSON: no store, no clock, no HTTP.

pub(crate) mod field;
pub(crate) mod schema;
