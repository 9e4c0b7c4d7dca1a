//! Server-side apply: field sets and their serialised form, typed values, and the field manager.
//!
//! The rules are those of KEP-555, as `structured-merge-diff` v6 and apimachinery's `managedfields` implement them for
//! Kubernetes 1.37. All functions are pure: schemas, time and other versions of an object are arguments.

pub(crate) mod field_set;
pub(crate) mod fields_v1;
pub(crate) mod path_element;

pub(crate) mod value_type;

mod compare;
mod field_set_of;
mod list_items;
mod merge;
mod reconcile;
mod remove;
pub(crate) mod validate;

pub(crate) mod managed_fields;

pub(crate) mod configuration;
pub(crate) mod conflict;
pub(crate) mod field_manager;
mod last_applied;
pub(crate) mod scale;
pub(crate) mod updater;

#[cfg(test)]
mod properties;
