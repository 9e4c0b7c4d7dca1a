//! Subresources with types of their own. `status` is a part of update, patch and apply.

pub(crate) mod binding;
pub(crate) mod eviction;
pub(crate) mod finalize;
pub(crate) mod log;
pub(crate) mod scale;
