//! Specs: a tree that becomes a plan, is chosen from, ordered, and run by workers.

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
