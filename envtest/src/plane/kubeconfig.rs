//! The kubeconfig and the `kube::Config` of a user.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::certs::Identity;

/// The URL and the CA of an API server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    pub(crate) ca_der: Vec<u8>,
}

/// The text of a kubeconfig.
pub(crate) fn text(server: &Server, user: &str, identity: &Identity) -> String {
    // A JSON string is a YAML string, so all names are quoted.
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

/// The configuration of a client in this process.
pub(crate) fn config(server: &Server, identity: &Identity) -> kube::Config {
    let mut config = kube::Config::new(server.url.parse().expect("a URL that was built from a port"));
    config.root_cert = Some(vec![server.ca_der.clone()]);
    config.auth_info.client_certificate_data = Some(STANDARD.encode(&identity.certificate_pem));
    config.auth_info.client_key_data = Some(STANDARD.encode(&identity.key_pem).into());
    config
}
