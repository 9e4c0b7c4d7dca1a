//! API verbs, one per file, on typed input: resolve → admit → prepare → validate → commit.

pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod scope;

pub(crate) mod apply;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod delete_collection;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod review;
pub(crate) mod subresource;
pub(crate) mod update;
pub(crate) mod watch;

pub(crate) mod decode;
pub(crate) mod field_managers;
pub(crate) mod page;
pub(crate) mod selection;
pub(crate) mod validate;

#[cfg(test)]
mod step_order;
