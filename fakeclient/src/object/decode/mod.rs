//! Decoding of request bodies into objects, as the server's codecs do.

pub(crate) mod body;
pub(crate) mod body_errors;
pub(crate) mod delete_options;
pub(crate) mod go_types;
pub(crate) mod protobuf;
pub(crate) mod scalar;
pub(crate) mod shape;
pub(crate) mod syntax;
pub(crate) mod text;
mod type_errors;
pub(crate) mod typed;
pub(crate) mod yaml;

#[cfg(test)]
mod body_tests;
