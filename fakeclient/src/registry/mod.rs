//! Resources and their strategies.

pub(crate) mod conversion;
pub(crate) mod lookup;
pub(crate) mod resource;
pub(crate) mod strategy;
pub(crate) mod user;
pub(crate) mod webhook;

pub(crate) mod custom;
