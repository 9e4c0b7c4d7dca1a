//! Kinds of the core group.

pub(crate) mod config_map;
pub(crate) mod event;
pub(crate) mod limit_range;
pub(crate) mod namespace;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod secret;
pub(crate) mod service;
pub(crate) mod service_account;
