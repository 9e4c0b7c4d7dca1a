//! One verb per file.

pub(crate) mod discovery;
pub(crate) mod openapi;
pub(crate) mod version;
