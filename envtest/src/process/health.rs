//! Readiness probes over HTTPS.
//!
//! `kube::Client` is not used, since it retries and hides the body of an error response.

use std::{sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A probe of one URL.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    client: reqwest::Client,
    url: String,
}

/// The result of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Ready,
    /// The connection failed.
    Unreachable,
    /// The server is not ready, with its failing checks or its status code.
    NotReady(String),
}

impl Probe {
    /// A probe that trusts one CA and presents a client certificate.
    pub(crate) fn new(
        url: String,
        ca: CertificateDer<'static>,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .expect("a client with a finished TLS configuration");
        Ok(Self { client, url })
    }

    /// Sends one request.
    pub(crate) async fn check(&self) -> Health {
        let Ok(response) = self.client.get(&self.url).send().await else { return Health::Unreachable };
        if response.status().is_success() {
            return Health::Ready;
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Health::NotReady(failing_checks(&body).unwrap_or_else(|| status.to_string()))
    }
}

/// The checks that `/readyz` lists with `[-]`, separated by commas.
fn failing_checks(body: &str) -> Option<String> {
    let failing: Vec<&str> = body
        .lines()
        .filter_map(|line| line.strip_prefix("[-]"))
        .map(|line| line.split_once(" failed").map_or(line, |(name, _)| name))
        .collect();
    (!failing.is_empty()).then(|| failing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_checks_of_readyz_are_listed() {
        let body = "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\n[-]shutdown failed: reason \
                    withheld\nreadyz check failed";
        assert_eq!(failing_checks(body).as_deref(), Some("poststarthook/rbac/bootstrap-roles, shutdown"));
    }

    #[test]
    fn a_body_without_checks_has_no_failing_ones() {
        assert_eq!(failing_checks("Unauthorized"), None);
    }
}
