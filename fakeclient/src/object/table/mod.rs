//! Table and metadata-only responses.

pub(crate) mod age;
pub(crate) mod custom;
pub(crate) mod include_object;
pub(crate) mod printer;
pub(crate) mod response;
