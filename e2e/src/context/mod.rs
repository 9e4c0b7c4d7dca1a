//! The context of a spec: its cluster, its namespace, typed requests, tasks and clean-ups.

mod apply;
mod cleanup;
mod cx;
pub(crate) mod panics;
mod resource;
mod task;

pub use apply::{Apply, ApplyTarget};
pub(crate) use cleanup::CLEANUP_LIMIT;
pub(crate) use cx::Connection;
pub use cx::Cx;
pub use resource::{Kind, RequestError, ScopedApi};
pub use task::{Task, TaskOutput};
