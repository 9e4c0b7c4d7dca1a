//! Binaries of control planes and nodes: found, downloaded or built.
//!
//! `version`, `pins` and `binary` describe a request, `host_environment` and `cache` the machine. `resolve` runs the steps
//! `env`, `store`, `index` and `source` in this order until all binaries are found, and `report` records each step.

mod version;

pub mod pins;

mod binary;

mod host_environment;

mod hash;

mod progress;

mod cache;

mod report;

mod resolve;

mod env;

mod store;

mod archive;

mod download;

mod index;

mod source;

pub use binary::Binary;
pub use host_environment::HostEnvironment;
pub use report::{Report, ReportLine, Step, StepOutcome};
pub use resolve::{Assets, AssetsError, Request, resolve};
pub use version::{RequestedVersion, Version, VersionError};
