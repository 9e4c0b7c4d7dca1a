//! What hangs below one object. Status is the main object's own verbs with another part; these have forms of their own.

pub(crate) mod binding;
pub(crate) mod eviction;
pub(crate) mod finalize;
pub(crate) mod log;
pub(crate) mod scale;
