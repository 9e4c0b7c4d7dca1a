//! `/openapi/v3`: an index, and one document for each group and version, from the data that discovery is made of.

mod index;

mod document;

mod paths;

mod operation;

mod custom;

pub(crate) use index::{document, index, version_two};
