//! `cargo xtask gen`: the built-in kinds' data, read from a real kube-apiserver.

mod command;
mod server;

mod columns;
mod defaults;
mod exclusions;
mod manifests;
mod observe;
mod openapi;
mod protobuf;
mod resources;

mod text;

pub(crate) use command::{Args, run};
pub(crate) use server::KUBERNETES;
