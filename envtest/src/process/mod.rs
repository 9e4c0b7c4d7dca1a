//! Child processes that never outlive this one, and what belongs to them.
//!
//! `spawner` is the thread that starts them, `guard` what kills them when this process is gone, `child` one of them
//! from start to reaping, `output` what their log says, `health` how their readiness is asked for, `scratch`
//! a folder that goes with its process too.

pub(crate) mod spawner;

pub(crate) mod guard;

pub(crate) mod child;

pub(crate) mod output;

pub(crate) mod health;

pub(crate) mod scratch;

pub use child::{Child, SpawnError, Spec, bare_environment};
