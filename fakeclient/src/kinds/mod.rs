//! The kinds that every cluster has: generated data, the hand-written table beside it, and the Rust code that a few
//! of them need.

pub(crate) mod data;
pub(crate) mod defaults;
pub(crate) mod messages;
pub(crate) mod schemas;
pub(crate) mod table;

pub(crate) mod strategies;

pub(crate) mod columns;

pub(crate) mod apps;
pub(crate) mod autoscaling;
pub(crate) mod batch;
pub(crate) mod certificates;
pub(crate) mod coordination;
pub(crate) mod core;
pub(crate) mod networking;
pub(crate) mod rbac;
pub(crate) mod resource;

pub(crate) mod plain;
pub(crate) mod scheduling;

pub(crate) mod pod_spec;

pub(crate) mod rules;

use crate::registry::lookup::Registry;

/// A registry of the built-in kinds alone.
pub(crate) fn registry() -> Registry {
    Registry::new(data::builtins())
}
