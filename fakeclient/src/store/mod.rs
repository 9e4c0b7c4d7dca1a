//! The store: keys, values and revisions in an ordered tree, its history, and its followers. It depends on no kinds,
//! HTTP or clock.

mod commit;
mod followers;
mod history;
mod key;
mod labels;
mod log;
mod object;
mod tree;

pub(crate) use commit::{Change, CommitError, Expect, Store, Write};
pub(crate) use followers::{Compacted, Follower};
pub(crate) use key::{Key, Revision};
pub(crate) use log::Event;
pub(crate) use object::{Content, Object};
pub(crate) use tree::Snapshot;
