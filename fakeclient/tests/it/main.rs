//! The fake as its users see it: through `kube::Client`.

mod answers;
mod anything;
mod cluster;
mod conformance;
mod socket;
