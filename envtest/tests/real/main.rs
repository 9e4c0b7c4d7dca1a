//! Tests that start real etcd and kube-apiserver processes. They are built with the feature `real` only.

mod control_plane;
