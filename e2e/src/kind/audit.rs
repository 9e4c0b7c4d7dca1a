//! The audit log of a kind cluster: its configuration, and its lines.
//!
//! The policy is a file of this machine that the control plane's nodes see; the log stays in the node, where it goes
//! with the cluster.

use std::path::Path;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::json;

use super::cluster::Cluster;
use super::config::{ClusterConfig, Role};
use super::error::KindError;
use crate::audit::{AuditLog, policy};
use crate::failure::SpecResult;

/// Path of the policy in the nodes.
const POLICY: &str = "/etc/kubernetes/seatrial/audit-policy.yaml";

/// Path of the log, in the node and in the API server's container.
const LOG: &str = "/var/log/kubernetes/seatrial-audit.log";

/// The configuration of a cluster whose API server keeps an audit log. Its policy is written into `folder`.
pub(super) fn configured(config: &ClusterConfig, folder: &Path) -> Result<ClusterConfig, KindError> {
    let file = folder.join("audit-policy.yaml");
    std::fs::write(&file, policy::POLICY).map_err(KindError::file(&file, "written"))?;
    let mut config = config.clone();
    config.map_nodes(|node| {
        if node.role() == Role::ControlPlane { node.read_only_mount(&file, POLICY) } else { node }
    });
    Ok(config.kubeadm_patch(&patch()))
}

/// kind reads arguments as a map for every version of kubeadm's configuration, and adds them to its own.
fn patch() -> serde_json::Value {
    let folder = |path: &'static str| Path::new(path).parent().unwrap_or(Path::new("/"));
    let volume = |name: &str, path: &'static str, kind: &str| {
        json!({
            "name": name, "hostPath": folder(path), "mountPath": folder(path),
            "readOnly": kind == "Directory", "pathType": kind,
        })
    };
    let arguments: serde_json::Map<_, _> =
        policy::flags(POLICY, LOG).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "kind": "ClusterConfiguration",
        "apiServer": {
            "extraArgs": arguments,
            "extraVolumes": [
                volume("seatrial-audit-policy", POLICY, "Directory"),
                volume("seatrial-audit-log", LOG, "DirectoryOrCreate"),
            ],
        },
    })
}

impl Cluster {
    /// The lines of the API server's audit log that contain these words, for
    /// [`Trail::parse`](crate::audit::Trail::parse). Only a cluster that was made
    /// [audited](super::ClusterConfig::audited) has one.
    pub async fn audit_log(&self, words: &str) -> Result<String, KindError> {
        let node = self.node("control-plane").await?;
        let command = ["grep", "--fixed-strings", "--", words, LOG];
        let output = node.exec(&command).await?;
        match output.code {
            0 => Ok(output.stdout),
            // Nothing was found, or nothing was ever written: the server makes the file when it starts.
            1 => Ok(String::new()),
            _ => Err(KindError::Config {
                reason: format!("{} keeps no audit log ({})", self.name(), output.words()),
                next:
                    "create the cluster with `ClusterConfig::audited`, as tier kind and `cargo xtask e2e` do"
                        .to_owned(),
            }),
        }
    }
}

impl AuditLog for Cluster {
    fn read<'a>(&'a self, words: &'a str) -> LocalBoxFuture<'a, SpecResult<String>> {
        async move { Ok(self.audit_log(words).await?) }.boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::NodeConfig;

    #[test]
    fn audit_policy_is_mounted_only_into_the_control_plane() {
        let folder = tempfile::tempdir().unwrap();
        let plain = ClusterConfig::new()
            .node(NodeConfig::new(Role::ControlPlane))
            .node(NodeConfig::new(Role::Worker));
        let text = configured(&plain, folder.path()).unwrap().render("seatrial-x", "node:1").unwrap();
        let document: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        let mounts = |node: usize| document["nodes"][node]["extraMounts"].as_array().map_or(0, Vec::len);
        assert_eq!((mounts(0), mounts(1)), (1, 0));
        let patch = document["kubeadmConfigPatches"][0].as_str().unwrap();
        let patch: serde_json::Value = serde_json::from_str(patch).unwrap();
        let (arguments, volumes) = (&patch["apiServer"]["extraArgs"], &patch["apiServer"]["extraVolumes"]);
        assert_eq!(arguments["audit-policy-file"], POLICY);
        assert_eq!(volumes[0]["mountPath"], "/etc/kubernetes/seatrial");
        // The server could not write its log otherwise, and would not start.
        assert_eq!(
            (&volumes[1]["mountPath"], &volumes[1]["readOnly"]),
            (&json!("/var/log/kubernetes"), &json!(false))
        );
    }
}
