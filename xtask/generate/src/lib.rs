//! The built-in kinds' data, read from a real kube-apiserver.
//!
//! This crate knows neither the fake, which includes what is written here, nor anybody who knows the fake: a generator
//! that needs its own output to compile could never mend a broken one. `cargo xtask gen` runs it as a program of its own.
//!
//! The way of a run: a `server` is asked for its `openapi`, its `resources` and their `columns`; `manifests` are sent as
//! dry runs, an `observe`r sees what the answers hold that was not sent, and `defaults` takes that for a default unless
//! `exclusions` says why not; `protobuf` reads what no server publishes. `command` writes the files or compares them.

mod command;

mod server;

mod columns;
mod openapi;
mod resources;

mod defaults;
mod exclusions;
mod manifests;
mod observe;

mod protobuf;

mod text;

pub use command::{Args, run};
