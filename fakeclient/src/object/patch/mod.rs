//! Patches: RFC 6902, RFC 7386 and Kubernetes' own.

pub(crate) mod document;
pub(crate) mod outcome;

mod json;
mod merge;
mod strategic;
mod strategic_list;
