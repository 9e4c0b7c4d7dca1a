//! What a Pod and a Pod template have in common: the defaults that depend on other fields, and the rules.
//!
//! Windows options, resource claims and the volume types of single vendors are checked by schema alone.

pub(crate) mod complete;
pub(crate) mod disabled;

pub(crate) mod affinity;
pub(crate) mod app_armor;
pub(crate) mod check;
mod claim_template;
pub(crate) mod containers;
mod dns;
mod env;
pub(crate) mod holder;
mod probes;
mod resources;
pub(crate) mod scheduling;
mod security;
mod spread;
mod volumes;
pub(crate) mod warnings;
