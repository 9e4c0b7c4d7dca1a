//! The built-in kinds' data, read from a real kube-apiserver.
//!
//! This crate depends neither on the fake, which includes the generated data, nor on a crate that depends on the fake, so
//! it compiles even if the data is broken. `cargo xtask gen` runs it as a separate program.
//!
//! A run reads `openapi`, `resources` and `columns` from a `server`. It sends `manifests` as dry runs, `observe` records the
//! fields in the responses that were not sent, and `defaults` takes them for defaults unless `exclusions` lists them.
//! `protobuf` reads field numbers from Kubernetes' Go modules. `command` writes the files or compares them.

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
