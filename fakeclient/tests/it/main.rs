//! Integration tests of the fake through `kube::Client`.

mod arbitrary_requests;
mod cluster;
mod conformance;
mod responses;
mod socket;
mod webhooks;
