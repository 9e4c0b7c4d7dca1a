//! The flags of kube-controller-manager with the requested controllers alone.

use std::path::{Path, PathBuf};

use super::{apiserver, flags::Flags, folder::Folder};
use crate::process::child::{ProcessSpec, bare_environment};

/// The name of its kubeconfig in the working folder.
pub(crate) const KUBECONFIG: &str = "controller-manager.kubeconfig";

/// The child process of kube-controller-manager.
pub(crate) fn spec(
    program: &Path,
    folder: &Folder,
    log: PathBuf,
    port: u16,
    files: &apiserver::Files,
    controllers: &[String],
    overrides: &[(String, String)],
) -> ProcessSpec {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let kubeconfig = path(&folder.path().join(KUBECONFIG));
    let flags = Flags::default()
        .with("kubeconfig", kubeconfig.as_str())
        .with("authentication-kubeconfig", kubeconfig.as_str())
        .with("authorization-kubeconfig", kubeconfig)
        .with("controllers", controllers.iter().map(|name| full_name(name)).collect::<Vec<_>>().join(","))
        .with("leader-elect", "false")
        .with("bind-address", "127.0.0.1")
        .with("secure-port", port.to_string())
        .with("permit-port-sharing", "true")
        .with("cert-dir", path(folder.path()))
        .with("tls-cert-file", path(&files.certificate))
        .with("tls-private-key-file", path(&files.key))
        .with("root-ca-file", path(&files.ca))
        .with("service-account-private-key-file", path(&files.service_account_key))
        .with("use-service-account-credentials", "false")
        // A test should not wait for client-side rate limits.
        .with("kube-api-qps", "1000")
        .with("kube-api-burst", "2000")
        .overridden_by(overrides);
    ProcessSpec {
        name: "kube-controller-manager",
        program: program.to_owned(),
        args: flags.into_args(),
        env: bare_environment(),
        dir: folder.path().to_owned(),
        log,
    }
}

/// Kubernetes has short names of its own ("namespace", "garbagecollector"); these two are its full names without their
/// end, as people write them.
fn full_name(name: &str) -> &str {
    match name {
        "garbage-collector" => "garbage-collector-controller",
        "root-ca-certificate-publisher" => "root-ca-certificate-publisher-controller",
        other => other,
    }
}
