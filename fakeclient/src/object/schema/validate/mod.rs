//! Validation of a value by a CRD's schema, with the words of kube-apiserver 1.37.
//!
//! The server checks custom resources with kube-openapi's validator, whose texts, order and oddities clients see
//! (a schema that fails as a whole is reported under the path `<nil>`, for instance). Where that validator visits
//! the fields of an object in no order, this one goes by name.

mod node;

mod walk;

mod combine;
mod numbers;
mod strings;

mod format;

mod outcome;

pub(crate) use format::is_known as is_known_format;
pub(crate) use node::Node;
