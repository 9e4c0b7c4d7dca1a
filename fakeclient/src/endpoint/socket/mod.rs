//! The TLS socket on the loopback interface, for kubectl and clients in any language.

mod credentials;
mod kubeconfig;
mod listen;
mod webhook_server;

pub use listen::{ServeError, ServerHandle};
pub use webhook_server::WebhookServer;

pub(crate) use listen::serve;
