//! Validation of custom resources by their schema, with the messages of kube-apiserver 1.37.
//!
//! The messages, their order and their oddities are those of kube-openapi's validator: for instance, errors of a schema
//! as a whole have the path `<nil>`. Fields of objects, which that validator visits in random order, are sorted by
//! name.

mod node;

mod walk;

mod combine;
mod numbers;
mod strings;

mod format;

mod outcome;

pub(crate) use format::is_known as is_known_format;
pub(crate) use node::SchemaNode;
