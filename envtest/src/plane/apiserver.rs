//! kube-apiserver for one control plane.
//!
//! The flags are controller-runtime's defaults for its envtest, so that what a test sees here is what it sees there,
//! plus what makes a start independent of the machine: a fixed advertised address, a held port, certificates of ours.

use std::path::{Path, PathBuf};

use super::{etcd, flags::Flags, folder::Folder};
use crate::process::child::{Spec, bare_environment};

/// Addresses of Services. The first one is the API server's own Service, which its certificate must name.
pub(crate) const SERVICE_RANGE: &str = "10.0.0.0/24";

/// The API server's Service address.
pub(crate) const SERVICE_ADDRESS: &str = "10.0.0.1";

/// What the `kubernetes` endpoints say. Without it kube-apiserver looks for a default route and fails where there is
/// none (controller-runtime#1749); loopback is refused. This one is reserved for documentation (RFC 5737): nobody has
/// it, and nobody needs it, since no proxy forwards Services here.
const ADVERTISED: &str = "192.0.2.1";

/// The issuer of service account tokens, the same in each run so that data can move from one to the next.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Files that must be there before a start.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// The private key that signs service account tokens, and the public one that verifies them.
    pub(crate) service_account_key: PathBuf,
    pub(crate) service_account_public_key: PathBuf,
}

/// Which admission plugins are switched.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    enabled: Vec<String>,
    disabled: Vec<String>,
}

impl Default for Admission {
    /// Without `ServiceAccount`: no Pod would be admitted before its namespace has a `default` account, and nobody makes
    /// one as long as no controller runs.
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

/// What to start.
pub(crate) fn spec(
    program: &Path,
    folder: &Folder,
    log: PathBuf,
    port: u16,
    files: &Files,
    admission: &Admission,
    caller: &[(String, String)],
) -> Spec {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut flags = Flags::default()
        .with("allow-privileged", "true")
        .with("authorization-mode", "RBAC")
        .with("bind-address", "127.0.0.1")
        .with("advertise-address", ADVERTISED)
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
    Spec {
        name: "kube-apiserver",
        program: program.to_owned(),
        args: flags.overridden_by(caller).into_args(),
        env: bare_environment(),
        dir: folder.path().to_owned(),
        log,
    }
}
