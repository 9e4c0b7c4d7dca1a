//! The connection to Docker: address, errors, and commands in containers.
//!
//! It knows no images and no clusters.

mod connection;

mod errors;

mod exec;

#[cfg(test)]
pub(crate) mod scripted;

pub use connection::{DockerUnavailable, connect_to, host, own_socket};
pub use errors::DiskFull;
pub(crate) use errors::reason;
pub use exec::Output;
pub(crate) use exec::{ExecError, exec};
