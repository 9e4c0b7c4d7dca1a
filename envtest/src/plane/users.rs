//! Users of a control plane, with client certificates.

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

    /// The user name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups, without `system:authenticated`.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The client certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.identity.certificate_pem
    }

    /// The private key in PEM (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.identity.key_pem
    }

    /// The configuration of [`User::client`].
    pub fn config(&self) -> kube::Config {
        kubeconfig::config(&self.server, &self.identity)
    }

    /// A client. It is bound to the tokio runtime that it is created in.
    pub fn client(&self) -> kube::Result<kube::Client> {
        kube::Client::try_from(self.config())
    }

    /// The kubeconfig, as YAML.
    pub fn kubeconfig(&self) -> String {
        kubeconfig::text(&self.server, &self.name, &self.identity)
    }

    /// Writes the kubeconfig to a file with mode 0600.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> io::Result<()> {
        folder::write_private(path.as_ref(), &self.kubeconfig())
    }
}
