//! What is put into a control plane once it runs.
//!
//! `documents` reads files into objects, `crds` installs custom resource definitions and waits for them.

pub(crate) mod documents;

pub(crate) mod crds;

pub use crds::InstallError;
