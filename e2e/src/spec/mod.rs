//! The way of a spec: written as a tree and flattened into a plan, chosen and listed as libtest would, put into an
//! order, run by workers, lived through on a thread and a runtime of its own, with a `Cx` in its hand.

mod marks;
mod table;
mod tree;

mod plan;

mod choice;
mod harness;

mod order;
mod pool;
mod run;

mod thread;
mod unit_runner;

mod attempt;
mod evidence;
mod status_writers;

mod namespace;

mod console;
mod progress;

pub use harness::run;
pub use table::Row;
#[cfg(test)]
pub(crate) use thread::{endings_of, run_on};
pub use tree::{Scope, SpecHandle, Suite};
