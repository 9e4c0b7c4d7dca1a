//! DER encoding of client certificates (RFC 5280).
//!
//! Replaces rcgen for client certificates: Kubernetes reads one organization per group, and a name in rcgen has at most one
//! organization.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Explicit tags of the version and the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// Signs a certificate for a key and returns it in DER. The issuer's name is its common name alone, its key a P-256 key.
pub(crate) fn sign(
    user: &str,
    groups: &[String],
    key: &KeyPair,
    issuer: &str,
    issuer_key: &KeyPair,
) -> Result<Vec<u8>, rcgen::Error> {
    let organizations = groups.iter().map(|group| (ORGANIZATION, group.as_str()));
    let subject: Vec<_> = organizations.chain([(COMMON_NAME, user)]).collect();
    let algorithm = value(SEQUENCE, &[value(OBJECT_ID, &[ECDSA_WITH_SHA256])]);
    let to_be_signed = value(
        SEQUENCE,
        &[
            value(VERSION, &[value(INTEGER, &[[2]])]),
            value(INTEGER, &[serial(key)]),
            algorithm.clone(),
            name(&[(COMMON_NAME, issuer)]),
            // The validity of the CA's certificate.
            value(
                SEQUENCE,
                &[value(UTC_TIME, &["750101000000Z"]), value(GENERALIZED_TIME, &["40960101000000Z"])],
            ),
            name(&subject),
            key.subject_public_key_info(),
            value(EXTENSIONS, &[extensions()]),
        ],
    );
    let signature = issuer_key.sign(&to_be_signed)?;
    Ok(value(SEQUENCE, &[to_be_signed, algorithm, value(BIT_STRING, &[vec![0], signature])]))
}

/// Encodes a certificate in PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// A unique positive serial number, derived from the public key.
fn serial(key: &KeyPair) -> Vec<u8> {
    let mut serial = key.public_key_raw().iter().rev().take(16).copied().collect::<Vec<u8>>();
    serial.insert(0, 0x01);
    serial
}

fn name(attributes: &[(&[u8], &str)]) -> Vec<u8> {
    let attribute = |(kind, text): &(&[u8], &str)| {
        value(SET, &[value(SEQUENCE, &[value(OBJECT_ID, &[kind]), value(UTF8_STRING, &[text])])])
    };
    value(SEQUENCE, &attributes.iter().map(attribute).collect::<Vec<_>>())
}

/// The extensions key usage (digital signature) and extended key usage (client authentication).
fn extensions() -> Vec<u8> {
    let critical = value(BOOLEAN, &[[0xff]]);
    let digital_signature = value(BIT_STRING, &[[7, 0x80]]);
    let usage = [value(OBJECT_ID, &[KEY_USAGE]), critical, value(OCTET_STRING, &[digital_signature])];
    let client = value(SEQUENCE, &[value(OBJECT_ID, &[CLIENT_AUTH])]);
    let extended = [value(OBJECT_ID, &[EXTENDED_KEY_USAGE]), value(OCTET_STRING, &[client])];
    value(SEQUENCE, &[value(SEQUENCE, &usage), value(SEQUENCE, &extended)])
}

/// A DER value: tag, length and the concatenated parts.
fn value(tag: u8, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.as_ref().len()).sum();
    let mut der = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            der.push(0x80 | u8::try_from(bytes.len()).expect("a length has at most eight bytes"));
            der.extend(bytes);
        }
    }
    for part in parts {
        der.extend(part.as_ref());
    }
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_up_to_127_have_the_short_form() {
        assert_eq!(value(OCTET_STRING, &[vec![0; 127]])[..2], [0x04, 0x7f]);
        assert_eq!(value(OCTET_STRING, &[vec![0; 128]])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(value(OCTET_STRING, &[vec![0; 300]])[..4], [0x04, 0x82, 0x01, 0x2c]);
    }

    #[test]
    fn an_independent_verifier_accepts_a_client_with_many_groups() {
        use rustls::{RootCertStore, pki_types::UnixTime, server::WebPkiClientVerifier};
        let authority = crate::plane::certs::CertificateAuthority::new().unwrap();
        let groups: Vec<String> = (0..40).map(|n| format!("group-{n}")).collect();
        let identity = authority.client("ann", &groups).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let certificate = identity.certificate_der();
        verifier.verify_client_cert(&certificate, &[], UnixTime::now()).unwrap();
        let other = crate::plane::certs::CertificateAuthority::new().unwrap().client("ann", &groups).unwrap();
        verifier.verify_client_cert(&other.certificate_der(), &[], UnixTime::now()).unwrap_err();
    }
}
