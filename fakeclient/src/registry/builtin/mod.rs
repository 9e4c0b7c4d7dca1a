//! The kinds that every cluster has: generated data, the hand-written table beside it, and the Rust code that a few
//! of them need.

pub(crate) mod data;
pub(crate) mod rules;
pub(crate) mod schemas;

pub(crate) mod strategies;
