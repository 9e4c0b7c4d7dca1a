//! An in-memory Kubernetes API server behind `kube::Client`.

mod cluster;
mod error;
mod state;

mod admission;
mod controllers;
mod endpoint;
mod instruments;
mod kinds;
mod object;
mod registry;
mod store;
mod verbs;

mod snapshot;

pub use cluster::{FakeCluster, FakeClusterBuilder};
pub use controllers::BuildError;
pub use endpoint::response::ResponseBody;
pub use endpoint::service::FakeService;
pub use endpoint::socket::{ServeError, Serving};
pub use error::{ApiError, Cause, Details};
pub use instruments::clock::Clock;
pub use instruments::faults::{FaultGuard, RequestMatch};
pub use instruments::journal::Entry;
pub use snapshot::stable;
