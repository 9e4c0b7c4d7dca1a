//! Table and metadata-only responses.

pub(crate) mod age;
pub(crate) mod answer;
pub(crate) mod custom;
pub(crate) mod printer;
pub(crate) mod request;
