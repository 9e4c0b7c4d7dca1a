//! Columns of the built-in kinds: the cells that `kubectl get` prints.

mod binding;
mod core;
mod event;
mod network;
mod node;
mod pod;
mod policy;
mod storage;
mod workload;

pub(crate) mod printers;
