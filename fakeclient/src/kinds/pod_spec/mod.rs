//! Pod spec of Pods and Pod templates: defaults that depend on other fields, validation and warnings.
//!
//! Windows options, resource claims and vendor-specific volume types are validated by schema only.

pub(crate) mod defaults;
pub(crate) mod disabled;
mod image_reference;

pub(crate) mod affinity;
pub(crate) mod app_armor;
pub(crate) mod check;
mod claim_template;
pub(crate) mod containers;
mod dns;
mod env;
mod probes;
mod resources;
pub(crate) mod scheduling;
mod security;
mod spread;
mod volumes;
pub(crate) mod warnings;
