//! An in-memory Kubernetes API server behind `kube::Client`.
//!
//! A test makes a [`FakeCluster`], takes a [`kube::Client`] from it and hands that to the code under test, which cannot
//! tell it from a client of a real cluster: names, defaults, validation, conflicts, finalizers, garbage collection,
//! server-side apply and watches answer as those of a kube-apiserver of Kubernetes 1.37 do. Nothing outside the process
//! is needed.
//!
//! ```
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kube::api::{Api, Patch, PatchParams};
//! use seatrial_fakeclient::FakeCluster;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), kube::Error> {
//! let cluster = FakeCluster::new();
//! let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
//! let settings = json!({
//!     "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"depth": "7"},
//! });
//! let applied = maps.patch("settings", &PatchParams::apply("my-operator"), &Patch::Apply(settings)).await?;
//! assert_eq!(applied.data.unwrap()["depth"], "7");
//! # Ok(())
//! # }
//! ```
//!
//! - Objects to begin with, CRDs among them, come as YAML: [`FakeClusterBuilder::objects`].
//! - Time: [`Clock::tokio`] follows tokio's paused clock, so that minutes of requeues pass in microseconds.
//! - Failures: [`FakeCluster::faults`] fails the requests that match a pattern.
//! - Snapshots: [`stable`] removes what differs from run to run.
//! - Other languages and kubectl: `FakeCluster::serve` (feature `serve`, on by default) opens a TLS socket.
//!
//! What is not modelled answers 501 and names itself; it never succeeds in silence. `examples/` has small programs for
//! each of these, and `SUPPORT.md` a table of what is served.
//!
//! # The way of a request
//!
//! ```text
//! kube::Client ─┐
//!               ├─► endpoint ──► verbs ──► admission ──► registry, kinds ──► store
//! TLS socket  ──┘   HTTP ⇄ typed   one verb   plugins      strategies         one commit
//!                   operations     per file                of kinds               │
//!                       ▲                                                         ▼
//!                       └──────────────── answer ◄──── controllers, until nothing is left to do
//! ```
//!
//! `object` holds the pure functions on JSON that all of them share: decoding, metadata, selectors, patches, server-side
//! apply, schemas, CEL and tables. The modules below stand in the order in which a request meets them.

mod cluster;
mod endpoint;
mod verbs;

mod state;

mod admission;
mod kinds;
mod registry;

mod object;
mod store;

mod controllers;
mod error;
mod instruments;

mod snapshot;

pub use cluster::{FakeCluster, FakeClusterBuilder};
pub use controllers::BuildError;
pub use endpoint::response::ResponseBody;
pub use endpoint::service::FakeService;
#[cfg(feature = "serve")]
pub use endpoint::socket::{ServeError, Serving};
pub use error::field::{FieldError, FieldErrorKind};
pub use error::{ApiError, Cause, Details};
pub use instruments::clock::Clock;
pub use instruments::faults::{FaultBuilder, FaultGuard, Faults, RequestMatch};
pub use instruments::journal::Entry;
pub use snapshot::stable;
