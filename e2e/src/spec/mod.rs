//! The way of a spec: written as a tree, flattened into a plan, listed and run by a libtest-compatible
//! harness, lived through on a runtime of its own, with a `Cx` in its hand.

mod tree;

mod labels;
mod plan;

mod harness;

mod life;
mod panics;

mod board;
mod cleanup;
mod cx;
mod namespace;
mod resource;
mod task;

pub(crate) use board::{Board, Waiting};
pub use cx::Cx;
pub use harness::run;
pub(crate) use labels::LabelFilter;
pub(crate) use plan::splitmix;
pub(crate) use resource::object_label;
pub use resource::{Kind, RequestError, ScopedApi};
pub use task::Task;
pub use tree::{Scope, SpecHandle, Suite};
