//! Admission: plugins that change or reject the object of a write.

pub(crate) mod attributes;
pub(crate) mod chain;
pub(crate) mod plugin;

pub(crate) mod plugins;
pub(crate) mod webhook;
