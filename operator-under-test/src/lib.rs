//! The bundled cluster-management operator, under test by the specs of this workspace.
//!
//! A [`Cluster`] has a version and a number of machines. Its reconciler creates, deletes and upgrades the [`Machine`]s
//! that it owns. A Machine's reconciler requests an instance from a [`Provider`] and keeps a finalizer on the Machine
//! until the provider has released the instance. The bundled [`SimulatedProvider`] stores its instances as custom
//! resources, so they survive a restart of the operator.
//!
//! The modules are declared in the order in which a change passes them:
//!
//! ```text
//! api          custom resources and their schemas
//! manager      watches, and the reconcile requests that they trigger
//! controller   calls of the reconcilers, requeues and back-off
//! reconcile    one reconciler for each kind
//! provider     instances outside Kubernetes
//! events       published Events
//! ```
//!
//! [`clock`], `api_error` and `health` serve all of them; [`bundle`] installs the operator. Clock and provider are
//! constructor arguments, and nothing here depends on the server behind the client being real or fake.

#![forbid(unsafe_code)]

pub mod api;
mod manager;

mod controller;
mod reconcile;

pub mod provider;

mod events;

mod api_error;
pub mod clock;
mod health;

pub mod bundle;

pub use api::{Cluster, Machine, crds};
pub use api_error::ApiError;
pub use bundle::Bundle;
pub use clock::{Clock, SystemClock};
pub use health::Health;
pub use manager::{ManagerError, Options, run};
pub use provider::{Provider, SimulatedInstance, SimulatedProvider};
pub use reconcile::{CLUSTER_FIELD_MANAGER, MACHINE_FIELD_MANAGER, RELEASE_FINALIZER};
