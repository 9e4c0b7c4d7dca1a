//! The way of a spec: written as a tree and flattened into a plan, chosen and listed as libtest would, put into an
//! order, run by workers, lived through on a thread and a runtime of its own, with a `Cx` in its hand.

mod marks;
mod table;
mod tree;

mod labels;
mod plan;

mod choice;
mod harness;

mod order;
mod pool;
mod run;

mod stage;
mod thread;

mod evidence;
mod life;
mod panics;
mod status_writers;

mod apply;
mod board;
mod cleanup;
mod cx;
mod namespace;
mod resource;
mod task;

mod console;
mod progress;

pub use apply::{Apply, ApplyTarget};
pub(crate) use board::{Board, Waiting};
pub use cx::Cx;
pub use harness::run;
pub(crate) use labels::LabelFilter;
pub(crate) use order::Order;
pub(crate) use resource::object_label;
pub use resource::{Kind, RequestError, ScopedApi};
pub use table::Row;
pub use task::{Task, TaskOutput};
#[cfg(test)]
pub(crate) use thread::{endings_of, run_on};
pub use tree::{Scope, SpecHandle, Suite};
