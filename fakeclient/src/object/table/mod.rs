//! Answers for people: `Table` and metadata-only forms.

pub(crate) mod age;
pub(crate) mod answer;
pub(crate) mod binding;
pub(crate) mod builtin;
pub(crate) mod core;
pub(crate) mod custom;
pub(crate) mod event;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod pod;
pub(crate) mod policy;
pub(crate) mod request;
pub(crate) mod storage;
pub(crate) mod workload;
