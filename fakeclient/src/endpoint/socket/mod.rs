//! The same service on a loopback TLS socket, for kubectl and for clients in any language.

mod identity;
mod kubeconfig;
mod listen;

pub use listen::{ServeError, Serving};

pub(crate) use listen::serve;
