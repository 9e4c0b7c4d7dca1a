//! Schemas: what they say, and what they do to a value.

pub(crate) mod components;
pub(crate) mod structural;
