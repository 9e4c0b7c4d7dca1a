//! Child processes that never outlive this one.
//!
//! `spawner` forks them on a permanent thread, `guard` kills them when this process dies, `child` manages one of them,
//! `output` finds the cause of a failure in its log, `health` probes its readiness, and `scratch_dir` is a temporary
//! folder that is removed even after SIGKILL.

pub(crate) mod spawner;

pub(crate) mod guard;

pub(crate) mod child;

pub(crate) mod output;

pub(crate) mod health;

pub(crate) mod scratch_dir;

pub use child::{Child, ProcessSpec, SpawnError, bare_environment};
