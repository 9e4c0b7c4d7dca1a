//! Certificates of one control plane: an authority, a serving certificate, client certificates.
//!
//! It knows X.509 and Kubernetes' reading of it (common name = user, organisations = groups); not who needs them.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The authority that signs everything in one control plane.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: CertificateDer<'static>,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
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
        let mut params = params("seatrial-envtest-ca", &[]);
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
        params.distinguished_name = distinguished_name("kube-apiserver", &[]);
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client certificate.
    pub(crate) fn client(&self, user: &str, groups: &[String]) -> Result<Identity, rcgen::Error> {
        self.issue(params(user, groups), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, rcgen::Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let serial = key.public_key_raw().iter().rev().take(16).copied().collect::<Vec<u8>>();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: key.serialized_der().to_vec(),
        })
    }
}

fn params(common_name: &str, organisations: &[String]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(common_name, organisations);
    params
}

fn distinguished_name(common_name: &str, organisations: &[String]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // DistinguishedName keeps one value per type, and Kubernetes reads one organisation per group.
    for organisation in organisations {
        name.push(DnType::OrganizationName, organisation.as_str());
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// A new key for signing service account tokens (P-256, so tokens are ES256).
pub(crate) fn service_account_key() -> Result<String, rcgen::Error> {
    KeyPair::generate().map(|key| key.serialize_pem())
}

/// The public half of a private key. kube-apiserver reads PKCS #8 to sign with, but wants a public key to verify with.
pub(crate) fn public_key(private_pem: &str) -> Result<String, rcgen::Error> {
    KeyPair::from_pem(private_pem).map(|key| key.public_key_pem())
}
