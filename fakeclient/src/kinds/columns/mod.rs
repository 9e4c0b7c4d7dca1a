//! Printer columns of the built-in kinds: the cells in the output of `kubectl get`.

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
