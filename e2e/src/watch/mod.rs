//! Objects followed by list and watch, without a gap between the two.

mod follow;
mod selection;

pub(crate) use follow::{POLL_INTERVAL, WatchUpdate};
pub(crate) use selection::Selection;
pub(crate) use selection::{Objects, key};
