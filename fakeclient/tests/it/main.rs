//! The fake as its users see it: through `kube::Client`.

mod cluster;
mod conformance;
mod socket;
