//! Custom resources: validation of a `CustomResourceDefinition`, its served resources, and their strategy.

/// Storage key of CustomResourceDefinitions. The name of a definition (`widgets.example.com`) is the storage key of its
/// custom resources.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

pub(crate) mod convert;
pub(crate) mod definition;

mod check;

pub(crate) mod establish;

pub(crate) mod resources;

pub(crate) mod instance;
