//! The kinds that every cluster has: generated data, the hand-written table beside it, and the Rust code that a few
//! of them need.

pub(crate) mod data;
pub(crate) mod schemas;
pub(crate) mod table;

pub(crate) mod strategies;

pub(crate) mod apps;
pub(crate) mod coordination;
pub(crate) mod core;

pub(crate) mod pod_spec;

pub(crate) mod rules;
