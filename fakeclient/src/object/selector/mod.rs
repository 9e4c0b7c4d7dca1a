//! Label and field selectors.

pub(crate) mod field;
pub(crate) mod label;
pub(crate) mod token;
