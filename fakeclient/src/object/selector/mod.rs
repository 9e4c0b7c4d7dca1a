//! Which objects a request means: by labels and by fields.

pub(crate) mod field;
pub(crate) mod label;
pub(crate) mod token;
