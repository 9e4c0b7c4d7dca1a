//! Certificates of one control plane: an authority, a serving certificate, client certificates.
//!
//! It knows what each is for; `client_certificate` writes those that rcgen cannot.

use std::fmt;

use super::client_certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The authority that signs everything in one control plane.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// What the authority calls itself: without a common name clients cannot say whom they do not trust.
const NAME: &str = "seatrial-envtest-ca";

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl fmt::Debug for Identity {
    /// Without the key: what is printed ends in logs.
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

impl Authority {
    /// A new authority. It lives as long as the control plane, so its dates are the widest that X.509 tools accept.
    pub(crate) fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(NAME);
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

    /// A certificate for a server on loopback, and for the names that Kubernetes gives its own.
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

    /// A client certificate: the common name is the user, each organisation a group.
    pub(crate) fn client(&self, user: &str, groups: &[String]) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let der = client_certificate::sign(user, groups, &key, NAME, self.issuer.key())?;
        Ok(Identity::new(client_certificate::pem(&der), der.into(), &key))
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// A new key for signing service account tokens (P-256, so tokens are ES256).
pub(crate) fn service_account_key() -> Result<String, rcgen::Error> {
    KeyPair::generate().map(|key| key.serialize_pem())
}

/// The public half of a private key. kube-apiserver reads PKCS #8 to sign with, but wants a public key to verify with.
pub(crate) fn public_key(private_pem: &str) -> Result<String, rcgen::Error> {
    KeyPair::from_pem(private_pem).map(|key| key.public_key_pem())
}
