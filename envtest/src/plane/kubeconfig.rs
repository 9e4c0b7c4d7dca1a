//! A user of a control plane as a kubeconfig file and as a `kube::Config`.
//!
//! It knows the two forms; not who the user is or what they may do.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::certs::Identity;

/// What a client needs to know of the server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    pub(crate) ca_der: Vec<u8>,
}

/// The kubeconfig's text.
pub(crate) fn text(server: &Server, user: &str, identity: &Identity) -> String {
    // A JSON string is a YAML string, whatever a user's name holds.
    let user = serde_json::Value::from(user).to_string();
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: seatrial
  cluster:
    server: {url}
    certificate-authority-data: {ca}
users:
- name: {user}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: seatrial
  context:
    cluster: seatrial
    user: {user}
current-context: seatrial
",
        url = server.url,
        ca = STANDARD.encode(&server.ca_pem),
        certificate = STANDARD.encode(&identity.certificate_pem),
        key = STANDARD.encode(&identity.key_pem),
    )
}

/// The same for a client in this process.
pub(crate) fn config(server: &Server, identity: &Identity) -> kube::Config {
    let mut config = kube::Config::new(server.url.parse().expect("a URL that was built from a port"));
    config.root_cert = Some(vec![server.ca_der.clone()]);
    config.auth_info.client_certificate_data = Some(STANDARD.encode(&identity.certificate_pem));
    config.auth_info.client_key_data = Some(STANDARD.encode(&identity.key_pem).into());
    config
}
