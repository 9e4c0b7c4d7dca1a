//! Patches: JSON patch (RFC 6902), merge patch (RFC 7386) and strategic merge patch.

pub(crate) mod document;
pub(crate) mod outcome;

mod json;
mod merge;
mod strategic;
mod strategic_list;
