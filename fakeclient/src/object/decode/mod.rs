//! From the bytes of a body to an object, as the server's decoders do it.

pub(crate) mod syntax;
pub(crate) mod text;
