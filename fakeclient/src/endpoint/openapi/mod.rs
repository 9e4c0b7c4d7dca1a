//! `/openapi/v3`: an index, and one document per group and version, generated from the registry.

mod index;

mod document;

mod paths;

mod operation;

mod custom;

pub(crate) use index::{document, index, openapi_v2};
