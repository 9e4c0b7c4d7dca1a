//! Admission: what may change a request's object, and what may refuse it.

pub(crate) mod attributes;
pub(crate) mod chain;
pub(crate) mod plugin;

pub(crate) mod plugins;
