//! The bundled cluster-management operator: what the specs of this workspace put to sea.
//!
//! A [`Cluster`] asks for a version and a number of machines. Its reconciler counts the [`Machine`]s that
//! it owns and creates or deletes the difference. A Machine's reconciler asks a [`Provider`] for an instance
//! and holds the Machine with a finalizer until the provider has let go of it. The provider bundled here,
//! [`Simulated`], keeps its instances as objects of a kind of their own, so nothing is lost when the operator
//! stops, wherever that happens.
//!
//! The modules stand in the order in which a change travels: [`api`] says what can be asked, `manager`
//! watches and decides who is woken, `drive` calls and calls again, `reconcile` compares and acts,
//! [`provider`] owns the outside world, `events` tells people, `answer` puts the API's errors into words,
//! [`clock`] says what time it is, `health` says how the operator is. Time and provider are constructor
//! arguments; nothing here knows whether the server behind the client is real. [`bundle`] says what a cluster
//! needs so that the operator runs in it.

#![forbid(unsafe_code)]

pub mod api;
mod manager;

mod drive;
mod reconcile;

pub mod provider;

mod events;

mod answer;
pub mod clock;
mod health;

pub mod bundle;

pub use answer::Answer;
pub use api::{Cluster, Machine, crds};
pub use bundle::Bundle;
pub use clock::{Clock, SystemClock};
pub use health::Health;
pub use manager::{ManagerError, Options, run};
pub use provider::{Provider, Simulated, SimulatedInstance};
pub use reconcile::{CLUSTER_MANAGER, MACHINE_MANAGER, RELEASE_FINALIZER};
