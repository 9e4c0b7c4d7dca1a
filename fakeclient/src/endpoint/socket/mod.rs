//! The TLS socket on the loopback interface, for kubectl and clients in any language.

mod identity;
mod kubeconfig;
mod listen;

pub use listen::{ServeError, Serving};

pub(crate) use listen::serve;
