//! Where binaries come from.
//!
//! What is wanted (`version`, `pins`, `binary`), where to look (`surroundings`, `cache`), the chain itself (`resolve`,
//! `report`) and its steps in their order: `env`, `store`, `index`, `source`.

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
pub use report::{Outcome, Report, ReportLine, Step};
pub use resolve::{Assets, AssetsError, Request, resolve};
pub use surroundings::Surroundings;
pub use version::{Version, VersionError, Wanted};
