//! The kinds that every cluster has: the Rust code that a few of them need beside their data.

pub(crate) mod strategies;

pub(crate) mod apps;
pub(crate) mod coordination;
pub(crate) mod core;

pub(crate) mod pod_spec;

pub(crate) mod rules;
