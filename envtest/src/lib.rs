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
//! A start goes from top to bottom through the modules: the builder in `environment` asks [`assets`] for binaries
//! (found, downloaded or built), `plane` says what each process is told, `process` runs them so that none outlives
//! this process, and `install` puts custom resource definitions into the running server.

mod environment;

pub mod assets;

mod plane;

pub mod process;

mod install;

mod error;

pub use environment::{Environment, EnvironmentBuilder};
pub use error::{Error, StartFailure};
pub use install::InstallError;
pub use plane::{timings::Timings, users::User};
pub use process::output::Cause;
