//! An in-memory Kubernetes API server behind `kube::Client`.

mod cluster;
mod error;

mod endpoint;
mod handler;
mod admission;
mod registry;
mod object;
mod store;
mod controllers;
mod instruments;

pub use cluster::{BuildError, FakeCluster, FakeClusterBuilder};
pub use endpoint::response::ResponseBody;
pub use endpoint::service::FakeService;
pub use error::{ApiError, Cause, Details};
pub use instruments::clock::Clock;
pub use instruments::faults::{FaultGuard, RequestMatch};
pub use instruments::journal::Entry;
