//! Real Kubernetes control planes for tests, from real binaries.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use seatrial_envtest::Environment;
//!
//! let env = Environment::builder().version("1.37").start().await?;
//! let client = env.client()?; // an ordinary kube::Client
//! // … use it …
//! env.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The modules are declared in the order of a start:
//!
//! ```text
//! environment   Environment and its builder
//! assets        binaries: found, downloaded or built from source
//! plane         flags, certificates and ports of etcd, kube-apiserver and kube-controller-manager
//! process       child processes that never outlive this one
//! install       CustomResourceDefinitions in the running server
//! ```
//!
//! With the feature `conformance`, the module `conformance` has the control planes of the conformance cases.

mod environment;

pub mod assets;

mod plane;

pub mod process;

mod install;

#[cfg(feature = "conformance")]
pub mod conformance;

mod error;

pub use environment::{Environment, EnvironmentBuilder};
pub use error::{Error, StartFailure};
pub use install::InstallError;
pub use plane::{timings::Timings, users::User};
pub use process::output::KnownCause;
