//! Tests with real etcd and kube-apiserver processes. They require the feature `real`.

#[path = "../it/examples.rs"]
mod examples;

#[path = "../it/process_end.rs"]
mod process_end;

mod control_plane;

mod failures;

mod crds;

mod orphans;

mod conformance;
