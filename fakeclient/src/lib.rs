//! An in-memory Kubernetes API server behind `kube::Client`.

mod error;
mod instruments;
mod object;
mod registry;
mod store;

pub use error::{ApiError, Cause, Details};
pub use instruments::clock::Clock;
pub use instruments::faults::{FaultGuard, RequestMatch};
