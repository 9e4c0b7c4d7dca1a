//! Installation of manifests into a running control plane.

pub(crate) mod documents;

pub(crate) mod crds;

pub use crds::InstallError;
