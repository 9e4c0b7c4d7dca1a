//! An in-memory Kubernetes API server behind `kube::Client`.
//!
//! A test creates a [`FakeCluster`] and passes a [`kube::Client`] of it to the code under test. Names, defaults,
//! validation, conflicts, finalizers, garbage collection, server-side apply and watches behave as in kube-apiserver of
//! Kubernetes 1.37. No resources outside of the process are needed.
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
//! - Initial objects and CRDs are YAML: [`FakeClusterBuilder::objects`].
//! - Time: [`Clock::tokio`] follows tokio's paused clock, so that minutes of requeues pass in microseconds.
//! - Failures: [`FakeCluster::faults`] fails the requests that match a pattern.
//! - Snapshots: [`stable`] removes values that differ between runs.
//! - Other languages and kubectl: `FakeCluster::serve` (feature `serve`, on by default) opens a TLS socket.
//!
//! A feature that is not modelled answers 501 and is named in the message; it never succeeds silently. `examples/`
//! contains a small program for each of these, and `SUPPORT.md` a table of the supported features.
//!
//! # Request flow
//!
//! ```text
//! kube::Client ─┐
//!               ├─► endpoint ──► verbs ──► admission ──► registry, kinds ──► store
//! TLS socket  ──┘   HTTP ⇄ typed   one verb   plugins      strategies         one commit
//!                   operations     per file                of kinds               │
//!                       ▲                                                         ▼
//!                       └──────────────── answer ◄──── controllers, until no event is queued
//! ```
//!
//! `object` contains the shared pure functions on JSON: decoding, metadata, selectors, patches, server-side apply,
//! schemas, CEL and tables. The modules below are in the order of a request.

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
pub use endpoint::socket::{ServeError, ServerHandle, WebhookServer};
pub use endpoint::webhooks::WebhookService;
pub use endpoint::webhooks::handlers::{WebhookHandler, admission_webhook, conversion_webhook};
pub use error::field::{FieldError, FieldErrorKind};
pub use error::{ApiError, StatusCause, StatusDetails};
pub use instruments::clock::Clock;
pub use instruments::faults::{FaultBuilder, FaultGuard, Faults, RequestMatch};
pub use instruments::request_log::RequestRecord;
pub use snapshot::stable;
