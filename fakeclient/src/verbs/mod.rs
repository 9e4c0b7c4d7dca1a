//! One verb per file: resolve → admit → strategy → commit.

pub(crate) mod apply;
pub(crate) mod checks;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod delete_collection;
pub(crate) mod field_managers;
pub(crate) mod get;
pub(crate) mod intake;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod page;
pub(crate) mod patch;
pub(crate) mod render;
pub(crate) mod review;
pub(crate) mod scope;
pub(crate) mod select;
pub(crate) mod subresource;
pub(crate) mod update;
pub(crate) mod watch;
