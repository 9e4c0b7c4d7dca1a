//! Subresources with forms of their own. Status is written by the verbs of the object itself, as another part.

pub(crate) mod binding;
pub(crate) mod eviction;
pub(crate) mod finalize;
pub(crate) mod log;
pub(crate) mod scale;
