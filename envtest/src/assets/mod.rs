//! Binaries of control planes and nodes: found, downloaded or built.
//!
//! `version`, `pins` and `binary` describe a request, `surroundings` and `cache` the machine. `resolve` runs the steps
//! `env`, `store`, `index` and `source` in this order until all binaries are found, and `report` records each step.

mod version;

pub mod pins;

mod binary;

mod surroundings;

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
pub use report::{Report, ReportLine, Step, StepOutcome};
pub use resolve::{Assets, AssetsError, Request, resolve};
pub use surroundings::Surroundings;
pub use version::{Version, VersionError, Wanted};
