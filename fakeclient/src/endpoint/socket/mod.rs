//! The TLS socket on the loopback interface, for kubectl and clients in any language.

mod credentials;
mod kubeconfig;
mod listen;

pub use listen::{ServeError, ServerHandle};

pub(crate) use listen::serve;
