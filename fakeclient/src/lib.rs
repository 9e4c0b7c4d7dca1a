//! An in-memory Kubernetes API server behind `kube::Client`.

mod error;
mod handler;
mod object;
mod registry;

pub use error::{ApiError, Cause, Details};
