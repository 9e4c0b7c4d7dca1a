//! The image of kind's nodes: the official one, or one built here where that cannot be pulled.
//!
//! `obtain` decides (`request` says what is wanted, `official` knows the image that is pulled). A build goes from
//! top to bottom: Debian packages (`debian`) become the root file system that all nodes share (`base`); released
//! binaries become the images of a control plane's Pods (`components`, written by `archive`), with what `parts` takes
//! from Debian; `files` are the project's own, fitted to the host's `capabilities`; `fill` puts all of it together in a
//! `container` and keeps the result. Each result is named by a hash of all that went into it (`recipe`,
//! `fingerprint`), so a second call finds it and does nothing.

mod error;

mod request;

mod obtain;

mod official;

mod recipe;

mod fingerprint;

mod capabilities;

mod debian;

mod base;

mod parts;

mod components;

mod archive;

mod files;

mod pipe;

mod container;

mod fill;

pub use capabilities::{Capabilities, CapabilitiesError};
pub use error::NodeImageError;
pub use obtain::{find, obtain, obtain_with};
pub use request::{NodeImage, Origin, Request};
