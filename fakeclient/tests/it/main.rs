//! Integration tests of the fake through `kube::Client`.

mod answers;
mod anything;
mod cluster;
mod conformance;
mod socket;
