//! Certificates of a control plane: CA, serving certificate and client certificates.

use std::fmt;

use super::client_certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The CA of a control plane.
#[derive(Debug)]
pub(crate) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// The common name of the CA, for the error messages of clients.
const CA_COMMON_NAME: &str = "seatrial-envtest-ca";

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl fmt::Debug for Identity {
    /// Omits the key, since debug output may be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

impl Identity {
    fn new(certificate_pem: String, certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        Self {
            certificate_pem,
            key_pem: key.serialize_pem(),
            certificate,
            key: key.serialized_der().to_vec(),
        }
    }

    pub(crate) fn certificate_der(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

impl CertificateAuthority {
    /// Creates a CA with the widest validity that X.509 tools accept.
    pub(crate) fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(CA_COMMON_NAME);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) })
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    /// Issues a serving certificate for loopback and for the names of the Service `kubernetes`.
    pub(crate) fn serving(&self, service_address: &str) -> Result<Identity, rcgen::Error> {
        let names = [
            "localhost",
            "127.0.0.1",
            "::1",
            service_address,
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let mut params = CertificateParams::new(names.map(str::to_owned))?;
        params.distinguished_name = common_name("kube-apiserver");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity::new(certificate.pem(), certificate.der().clone(), &key))
    }

    /// Issues a client certificate. The common name is the user, each organization a group.
    pub(crate) fn client(&self, user: &str, groups: &[String]) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let der = client_certificate::sign(user, groups, &key, CA_COMMON_NAME, self.issuer.key())?;
        Ok(Identity::new(client_certificate::pem(&der), der.into(), &key))
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Generates a key for service account tokens (P-256, so tokens are ES256).
pub(crate) fn service_account_key() -> Result<String, rcgen::Error> {
    KeyPair::generate().map(|key| key.serialize_pem())
}

/// The public key of a private key. kube-apiserver does not verify with a private key in PKCS #8.
pub(crate) fn public_key(private_pem: &str) -> Result<String, rcgen::Error> {
    KeyPair::from_pem(private_pem).map(|key| key.public_key_pem())
}
