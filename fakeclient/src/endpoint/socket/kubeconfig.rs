//! Kubeconfig of the socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::credentials::{Credentials, USER};

/// A kubeconfig with one cluster, one user (client certificate) and one context, as JSON, which is valid YAML.
pub(crate) fn kubeconfig(credentials: &Credentials, url: &str) -> String {
    let data = |pem: &str| STANDARD.encode(pem);
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "seatrial-fake", "cluster": {
            "server": url, "certificate-authority-data": data(&credentials.ca_pem),
        }}],
        "users": [{"name": USER, "user": {
            "client-certificate-data": data(&credentials.client_pem),
            "client-key-data": data(&credentials.client_key_pem),
        }}],
        "contexts": [{"name": "seatrial-fake", "context": {"cluster": "seatrial-fake", "user": USER}}],
        "current-context": "seatrial-fake",
    });
    serde_json::to_string_pretty(&config).expect("a JSON value can be serialised")
}
