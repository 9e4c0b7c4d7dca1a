//! Webhooks as their configurations describe them, and the trait of what calls them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::object::view::fields::FieldAccess;

/// The place of a webhook: `clientConfig` of a webhook configuration or of a CRD's conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientConfig {
    /// Namespace and name of the Service; `None` for a URL.
    pub(crate) service: Option<(String, String)>,
    /// The whole URL, for a Service with its name in DNS.
    pub(crate) url: String,
    /// Certificates in PEM; empty for those of the host.
    pub(crate) ca_bundle: Vec<u8>,
}

impl ClientConfig {
    /// Reads a `clientConfig`.
    pub(crate) fn of(config: &Value) -> Self {
        let ca_bundle = STANDARD.decode(config.text("caBundle")).unwrap_or_default();
        let service = &config["service"];
        if !service.is_object() {
            return Self { service: None, url: config.text("url").to_owned(), ca_bundle };
        }
        let (namespace, name) = (service.text("namespace").to_owned(), service.text("name").to_owned());
        let port = service.number("port").unwrap_or(443);
        let path = service.text("path").trim_start_matches('/');
        let url = format!("https://{name}.{namespace}.svc:{port}/{path}");
        let url = if path.is_empty() { url.trim_end_matches('/').to_owned() } else { url };
        Self { service: Some((namespace, name)), url, ca_bundle }
    }
}

/// The first version of reviews in a webhook's list that the server speaks.
pub(crate) fn review_version(versions: &[Value]) -> Option<&str> {
    versions.iter().filter_map(Value::as_str).find(|version| matches!(*version, "v1" | "v1beta1"))
}

/// A call of a webhook.
#[derive(Debug)]
pub(crate) struct WebhookCall<'a> {
    pub(crate) config: &'a ClientConfig,
    /// True if the Service of the configuration exists.
    pub(crate) service_exists: bool,
    /// A review as JSON.
    pub(crate) body: Bytes,
    pub(crate) timeout: Duration,
}

impl WebhookCall<'_> {
    /// The URL with the timeout, as the server requests it.
    pub(crate) fn url(&self) -> String {
        let separator = if self.config.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}timeout={}s", self.config.url, self.timeout.as_secs())
    }
}

/// A caller of webhooks. Its errors are the texts that the server puts after "failed to call webhook".
pub(crate) trait WebhookCaller: Send + Sync + std::fmt::Debug {
    /// Posts a review, and returns the body of a successful response.
    fn call<'a>(&'a self, call: WebhookCall<'a>) -> BoxFuture<'a, Result<Bytes, String>>;

    /// True while a webhook is being called. Its handler may send requests to the cluster that calls it.
    fn is_calling(&self) -> bool;
}

/// A caller that reaches nobody, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct NoWebhooks;

#[cfg(test)]
impl WebhookCaller for NoWebhooks {
    fn call<'a>(&'a self, call: WebhookCall<'a>) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move { Err(format!("Post {:?}: nobody is there", call.url())) })
    }

    fn is_calling(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn url_of_a_service_has_its_name_port_and_path() {
        let url = |service: Value| {
            let config = ClientConfig::of(&json!({"service": service}));
            let timeout = Duration::from_secs(10);
            WebhookCall { config: &config, service_exists: true, body: Bytes::new(), timeout }.url()
        };
        let service = json!({"namespace": "ns", "name": "svc", "path": "/mutate", "port": 8443});
        assert_eq!(url(service), "https://svc.ns.svc:8443/mutate?timeout=10s");
        assert_eq!(url(json!({"namespace": "ns", "name": "svc"})), "https://svc.ns.svc:443?timeout=10s");
    }
}
