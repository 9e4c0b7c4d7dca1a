//! People and programs that use a control plane: each has a client certificate.
//!
//! It knows their names and groups; what these allow is RBAC's business.

use std::{io, path::Path};

use super::{
    certs::Identity,
    folder,
    kubeconfig::{self, Server},
};

/// A user with a client certificate.
#[derive(Debug, Clone)]
pub struct User {
    name: String,
    groups: Vec<String>,
    identity: Identity,
    server: Server,
}

impl User {
    pub(crate) fn new(name: String, groups: Vec<String>, identity: Identity, server: Server) -> Self {
        Self { name, groups, identity, server }
    }

    /// The name that the API server sees.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups that the API server sees, besides `system:authenticated`.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The client certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.identity.certificate_pem
    }

    /// The certificate's key in PEM (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.identity.key_pem
    }

    /// A configuration for a client in this process.
    pub fn config(&self) -> kube::Config {
        kubeconfig::config(&self.server, &self.identity)
    }

    /// A client. It belongs to the tokio runtime that it is made in.
    pub fn client(&self) -> kube::Result<kube::Client> {
        kube::Client::try_from(self.config())
    }

    /// The text of a kubeconfig file.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::text(&self.server, &self.name, &self.identity)
    }

    /// Writes the kubeconfig to a file that only its owner may read (mode 0600).
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> io::Result<()> {
        folder::write_private(path.as_ref(), &self.kubeconfig())
    }
}
