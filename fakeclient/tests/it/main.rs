//! The fake as its users see it: through `kube::Client`.

mod answers;
mod cluster;
mod socket;
