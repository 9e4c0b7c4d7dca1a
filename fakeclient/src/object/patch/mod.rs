//! Three ways to change an object by a document: RFC 6902, RFC 7386, and Kubernetes' own.

pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod outcome;
pub(crate) mod strategic;
pub(crate) mod strategic_list;
