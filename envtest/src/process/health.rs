//! How a server's readiness is asked for over HTTPS.
//!
//! A small client of its own, because `kube::Client` retries and hides the text of a refusal. It knows nothing of
//! processes; whoever waits also watches whether the server still runs.

use std::{sync::Arc, time::Duration};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Asks one address again and again.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    client: reqwest::Client,
    url: String,
}

/// What the server said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Ready,
    /// Nobody listens, or the connection broke.
    Silent,
    /// It listens and says that it is not ready, and why.
    NotYet(String),
}

impl Probe {
    /// A probe that trusts one authority and shows a client certificate.
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

    /// Asks once.
    pub(crate) async fn ask(&self) -> Health {
        let Ok(response) = self.client.get(&self.url).send().await else { return Health::Silent };
        if response.status().is_success() {
            return Health::Ready;
        }
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        Health::NotYet(failing_checks(&body).unwrap_or_else(|| status.to_string()))
    }
}

/// The checks that `/readyz` lists with `[-]`, in one line.
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
    fn the_failing_checks_of_readyz_are_named() {
        let body = "[+]ping ok\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\n[-]shutdown failed: reason \
                    withheld\nreadyz check failed";
        assert_eq!(failing_checks(body).as_deref(), Some("poststarthook/rbac/bootstrap-roles, shutdown"));
    }

    #[test]
    fn a_body_without_checks_names_none() {
        assert_eq!(failing_checks("Unauthorized"), None);
    }
}
