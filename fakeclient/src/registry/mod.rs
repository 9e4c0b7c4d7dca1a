//! What kinds exist, and how each behaves.

pub(crate) mod conversion;
mod conversion_autoscaler;
pub(crate) mod conversion_builtin;
pub(crate) mod lookup;
pub(crate) mod resource;
pub(crate) mod strategy;
pub(crate) mod user;

pub(crate) mod builtin;
pub(crate) mod custom;
