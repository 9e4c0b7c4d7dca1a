//! Keys, values and revisions: an ordered tree, its history, and who follows it. No kinds, no HTTP, no clock.

mod commit;
mod history;
mod hub;
mod key;
mod log;
mod object;
mod tree;

pub(crate) use commit::{Change, CommitError, Expect, Store, Write};
pub(crate) use hub::{Follow, Missed};
pub(crate) use key::{Key, Revision};
pub(crate) use log::Event;
pub(crate) use object::{Content, Object};
pub(crate) use tree::Snapshot;
