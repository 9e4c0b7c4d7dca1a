//! The built-in kinds: generated data, the table of hand-written rules, and the strategies of some kinds.

pub(crate) mod data;
pub(crate) mod defaults;
pub(crate) mod messages;
pub(crate) mod resource_rules;
pub(crate) mod schemas;

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

pub(crate) mod generic;
pub(crate) mod scheduling;

pub(crate) mod pod_spec;

pub(crate) mod rules;

use crate::registry::lookup::Registry;

/// A registry with the built-in kinds only.
pub(crate) fn registry() -> Registry {
    Registry::new(data::builtins())
}
