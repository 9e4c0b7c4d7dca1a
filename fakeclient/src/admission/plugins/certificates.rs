//! `CertificateSubjectRestriction`: rejection of client certificates for the group `system:masters`.
//!
//! The PKCS#10 request is not parsed: one that contains the group's name answers 501.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::FieldAccess;

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct CertificateSubjectRestriction;

impl Plugin for CertificateSubjectRestriction {
    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        let concerned = attributes.operation == Operation::Create
            && attributes.is("certificates.k8s.io", "certificatesigningrequests")
            && object["spec"].text("signerName") == "kubernetes.io/kube-apiserver-client";
        if concerned && may_name_masters(object["spec"].text("request")) {
            return Err(ApiError::not_modelled(
                "certificate requests whose subject may be in system:masters",
            ));
        }
        Ok(())
    }
}

fn may_name_masters(request: &str) -> bool {
    let pem = STANDARD.decode(request).unwrap_or_default();
    let pem = String::from_utf8_lossy(&pem);
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let name = b"system:masters";
    STANDARD.decode(body.trim()).unwrap_or_default().windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create};
    use super::*;

    #[test]
    fn request_for_system_masters_is_rejected() {
        let request = |subject: &str| {
            let pem = format!(
                "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
                STANDARD.encode(subject)
            );
            json!({"metadata": {"name": "r"}, "spec": {
                "signerName": "kubernetes.io/kube-apiserver-client", "request": STANDARD.encode(pem)}})
        };
        let kind = "certificatesigningrequests.certificates.k8s.io";
        let answer = |subject: &str| {
            create(&CertificateSubjectRestriction, kind, request(subject), &StoredObjects::default())
        };
        assert_eq!(answer("O=system:masters").expect_err("refused").code, 501);
        assert!(answer("O=developers").is_ok());
    }
}
