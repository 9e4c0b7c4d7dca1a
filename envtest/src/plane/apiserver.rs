//! The flags of kube-apiserver.
//!
//! They are the defaults of controller-runtime's envtest, plus those that make a start independent of the machine: a fixed
//! advertised address, a reserved port and own certificates.

use std::path::{Path, PathBuf};

use super::{etcd, flags::Flags, folder::Folder};
use crate::process::child::{ProcessSpec, bare_environment};

/// The range of cluster IPs. The first one is that of the API server's own Service.
pub(crate) const SERVICE_RANGE: &str = "10.0.0.0/24";

/// The cluster IP of the API server's Service.
pub(crate) const SERVICE_ADDRESS: &str = "10.0.0.1";

/// The address in the endpoints of the Service `kubernetes`, from the range for documentation (RFC 5737). Without it
/// kube-apiserver requires a default route (controller-runtime#1749), and it rejects loopback. No proxy uses it.
const ADVERTISED_ADDRESS: &str = "192.0.2.1";

/// The issuer of service account tokens, constant so that tokens stay valid in the next control plane.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The paths of keys and certificates.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The private key that signs service account tokens.
    pub(crate) service_account_key: PathBuf,
    /// The public key that verifies them.
    pub(crate) service_account_public_key: PathBuf,
}

/// The enabled and disabled admission plugins.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    enabled: Vec<String>,
    disabled: Vec<String>,
}

impl Default for Admission {
    /// Without `ServiceAccount`, which admits no Pod until the controller has created the account `default`.
    fn default() -> Self {
        Self { enabled: Vec::new(), disabled: vec!["ServiceAccount".to_owned()] }
    }
}

impl Admission {
    pub(crate) fn enable(&mut self, plugin: &str) {
        self.disabled.retain(|other| other != plugin);
        self.enabled.push(plugin.to_owned());
    }

    pub(crate) fn disable(&mut self, plugin: &str) {
        self.enabled.retain(|other| other != plugin);
        self.disabled.push(plugin.to_owned());
    }
}

/// The child process of kube-apiserver.
pub(crate) fn spec(
    program: &Path,
    folder: &Folder,
    log: PathBuf,
    port: u16,
    files: &Files,
    admission: &Admission,
    overrides: &[(String, String)],
) -> ProcessSpec {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut flags = Flags::default()
        .with("allow-privileged", "true")
        .with("authorization-mode", "RBAC")
        .with("bind-address", "127.0.0.1")
        .with("advertise-address", ADVERTISED_ADDRESS)
        .with("secure-port", port.to_string())
        .with("permit-port-sharing", "true")
        .with("cert-dir", path(folder.path()))
        .with("tls-cert-file", path(&files.certificate))
        .with("tls-private-key-file", path(&files.key))
        .with("client-ca-file", path(&files.ca))
        .with("etcd-servers", etcd::endpoint(folder))
        .with("service-account-issuer", ISSUER)
        .with("service-account-key-file", path(&files.service_account_public_key))
        .with("service-account-signing-key-file", path(&files.service_account_key))
        .with("service-cluster-ip-range", SERVICE_RANGE);
    if !admission.disabled.is_empty() {
        flags = flags.with("disable-admission-plugins", admission.disabled.join(","));
    }
    if !admission.enabled.is_empty() {
        flags = flags.with("enable-admission-plugins", admission.enabled.join(","));
    }
    ProcessSpec {
        name: "kube-apiserver",
        program: program.to_owned(),
        args: flags.overridden_by(overrides).into_args(),
        env: bare_environment(),
        dir: folder.path().to_owned(),
        log,
    }
}
