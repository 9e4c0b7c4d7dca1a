//! Validation of a `CustomResourceDefinition`, in the order in which kube-apiserver 1.37 reports errors.

pub(super) mod spec;

mod names;

mod openapi;
mod root;
mod rules;
mod structural;

mod defaults;

mod served;

mod conversion;

pub(super) mod approval;
pub(super) mod stored;

mod go_print;
