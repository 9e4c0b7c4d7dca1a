//! The way to Docker: where it listens, what it complains of, a command in one of its containers.
//!
//! It knows no images and no clusters.

mod connection;

mod words;

mod exec;

#[cfg(test)]
pub(crate) mod script;

pub use connection::{NoDocker, connect_to, host, own_socket};
pub use exec::Output;
pub(crate) use exec::{Broken, exec};
pub use words::DiskFull;
pub(crate) use words::reason;
