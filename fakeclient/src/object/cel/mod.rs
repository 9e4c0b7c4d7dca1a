//! CEL, the expression language of `x-kubernetes-validations`: parsed by the `cel` crate, checked and evaluated here.
//!
//! Types come from schemas. A rule is checked when its CRD is written, with the messages of cel-go as kube-apiserver
//! 1.37 prints them. Cost limits are not modelled.

pub(crate) mod syntax;

pub(crate) mod types;

mod declare;

mod duration;

mod library;

mod check;

pub(crate) mod value;

mod evaluate;

pub(crate) mod program;

pub(crate) mod validator;

#[cfg(test)]
mod check_tests;
