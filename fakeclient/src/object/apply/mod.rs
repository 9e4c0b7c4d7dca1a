//! Server-side apply: field sets, their text form, the typed walks over values, and the field manager.
//!
//! The rules are KEP-555's, as `structured-merge-diff` v6 and apimachinery's `managedfields` implement them for
//! Kubernetes 1.37. Everything here is pure: schemas, time and other versions of an object arrive as arguments.

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
