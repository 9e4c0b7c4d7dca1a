//! Credentials of the socket: a CA, a serving certificate, and a client certificate and bearer token of one
//! administrator. They exist only as long as the socket is open.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;

/// Name of the socket's only user.
pub(crate) const USER: &str = "kubernetes-admin";

/// Certificates and token of one socket.
pub(crate) struct Credentials {
    pub(crate) ca_pem: String,
    pub(crate) client_pem: String,
    pub(crate) client_key_pem: String,
    pub(crate) token: String,
    client_der: CertificateDer<'static>,
    tls: Arc<ServerConfig>,
}

/// Failure to create the certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

impl Credentials {
    /// Creates new keys from the system's random numbers. They do not follow the cluster's seed, because they protect a
    /// socket.
    pub(crate) fn new() -> Result<Self, CredentialsError> {
        let ca_key = KeyPair::generate()?;
        let mut ca = named("seatrial-fakeclient-ca")?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);
        let mut serving = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        serving.distinguished_name = name_of("seatrial-fakeclient");
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let serving_key = KeyPair::generate()?;
        let serving = serving.signed_by(&serving_key, &issuer)?;
        let mut client = named(USER)?;
        client.distinguished_name.push(DnType::OrganizationName, "system:masters");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_key = KeyPair::generate()?;
        let client = client.signed_by(&client_key, &issuer)?;
        let tls = tls(ca_certificate.der(), serving.der(), &serving_key)?;
        Ok(Self {
            ca_pem: ca_certificate.pem(),
            client_pem: client.pem(),
            client_key_pem: client_key.serialize_pem(),
            token: token(&KeyPair::generate()?),
            client_der: client.der().clone(),
            tls,
        })
    }

    pub(crate) fn tls(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.tls)
    }

    /// The user of a verified client certificate or an Authorization header.
    pub(crate) fn user(
        &self,
        certificate: Option<&[u8]>,
        authorization: Option<&str>,
    ) -> Option<&'static str> {
        let by_certificate = certificate.is_some_and(|der| der == self.client_der.as_ref());
        let by_token =
            || authorization.and_then(|a| a.strip_prefix("Bearer ")).is_some_and(|t| t == self.token);
        (by_certificate || by_token()).then_some(USER)
    }
}

fn named(common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = name_of(common_name);
    Ok(params)
}

fn name_of(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// 128 bits of a new key's public half in hex, as unpredictable as the key.
fn token(key: &KeyPair) -> String {
    use std::fmt::Write as _;
    let bytes = key.public_key_raw();
    bytes.iter().rev().take(16).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

fn tls(
    ca: &CertificateDer<'static>,
    serving: &CertificateDer<'static>,
    key: &KeyPair,
) -> Result<Arc<ServerConfig>, CredentialsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![serving.clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
