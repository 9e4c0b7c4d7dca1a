//! Custom resources: validation of a `CustomResourceDefinition`, its served resources, and their strategy.

pub(crate) mod convert;
pub(crate) mod definition;

mod check;

pub(crate) mod establish;

pub(crate) mod resources;

pub(crate) mod instance;
