//! Custom resources: what a `CustomResourceDefinition` must be, what it makes the server serve, and how the objects it
//! defines behave.

pub(crate) mod definition;

mod check;

pub(crate) mod establish;

pub(crate) mod resources;

pub(crate) mod instance;
