//! Tests that start real etcd and kube-apiserver processes. They are built with the feature `real` only.

#[path = "../it/examples.rs"]
mod examples;

#[path = "../it/ending.rs"]
mod ending;

mod control_plane;

mod failures;

mod crds;

mod survivors;

mod conformance;
