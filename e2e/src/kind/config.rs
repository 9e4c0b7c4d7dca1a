//! Configuration of a cluster, and its form as a file of kind's.
//!
//! It checks what can be wrong without asking anybody, and writes `kind.x-k8s.io/v1alpha4`. It does not know how a
//! cluster comes to be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::{Value, json};

use super::error::KindError;
use super::lease::Lease;
use super::name;

/// Role of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the API server, etcd and the controllers.
    ControlPlane,
    /// Runs Pods.
    Worker,
}

/// One node of a cluster to be.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeConfig {
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_mounts: Vec<Mount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_port_mappings: Vec<Port>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kubeadm_config_patches: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Mount {
    host_path: PathBuf,
    container_path: PathBuf,
    read_only: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Port {
    #[serde(rename = "containerPort")]
    node: u16,
    #[serde(rename = "hostPort")]
    host: u16,
    #[serde(rename = "listenAddress")]
    listen_address: &'static str,
}

impl NodeConfig {
    /// A node of this role.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            image: None,
            labels: BTreeMap::new(),
            extra_mounts: Vec::new(),
            extra_port_mappings: Vec::new(),
            kubeadm_config_patches: Vec::new(),
        }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// A node image of its own: another version than the other nodes', for instance.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// A label on the Node.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// A folder or file of this machine, seen in the node.
    #[must_use]
    pub fn mount(mut self, host: impl AsRef<Path>, node: impl AsRef<Path>) -> Self {
        self.push_mount(host.as_ref(), node.as_ref(), false);
        self
    }

    /// The same, and nobody in the node can write to it.
    #[must_use]
    pub fn read_only_mount(mut self, host: impl AsRef<Path>, node: impl AsRef<Path>) -> Self {
        self.push_mount(host.as_ref(), node.as_ref(), true);
        self
    }

    fn push_mount(&mut self, host: &Path, node: &Path, read_only: bool) {
        // Docker takes absolute paths only, and the caller's folder is the one that a relative path means.
        let host_path = std::path::absolute(host).unwrap_or_else(|_| host.to_owned());
        self.extra_mounts.push(Mount { host_path, container_path: node.to_owned(), read_only });
    }

    /// A TCP port of the node, reachable on this machine's loopback.
    #[must_use]
    pub fn port(mut self, node: u16, host: u16) -> Self {
        self.extra_port_mappings.push(Port { node, host, listen_address: "127.0.0.1" });
        self
    }

    /// A merge patch for one of kubeadm's objects; `kind` in it says which.
    #[must_use]
    pub fn kubeadm_patch(mut self, patch: &Value) -> Self {
        // JSON is YAML, and kind reads each patch as YAML.
        self.kubeadm_config_patches.push(patch.to_string());
        self
    }
}

/// The party that removes a failed cluster, and holds its lease until then.
#[derive(Clone, Debug, Default)]
pub(super) struct LeaseHandover(Arc<Mutex<Option<Arc<Lease>>>>);

impl LeaseHandover {
    pub(super) fn set(&self, lease: Option<Arc<Lease>>) {
        *self.0.lock().expect("nobody panics while a lease is handed over") = lease;
    }
}

/// Configuration of a cluster. The default has one node, which does everything.
#[derive(Clone, Debug, Default)]
pub struct ClusterConfig {
    pub(super) name: Option<String>,
    nodes: Vec<NodeConfig>,
    pub(super) version: Option<String>,
    pub(super) image: Option<String>,
    pub(super) node_subnet: Option<String>,
    pod_subnet: Option<String>,
    service_subnet: Option<String>,
    api_server_port: Option<u16>,
    kubelet: serde_json::Map<String, Value>,
    kubeadm_patches: Vec<String>,
    containerd_patches: Vec<String>,
    feature_gates: BTreeMap<String, bool>,
    pub(super) retain: bool,
    pub(super) handover: Option<LeaseHandover>,
    pub(super) evidence: Option<PathBuf>,
    pub(super) audited: bool,
}

impl ClusterConfig {
    /// One node.
    pub fn new() -> Self {
        Self::default()
    }

    /// A name of your choice, after the project's prefix. Without it the name is unique.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the number of nodes: a control plane, and workers for the rest.
    #[must_use]
    pub fn nodes(mut self, count: u32) -> Self {
        self.nodes = vec![NodeConfig::new(Role::ControlPlane)];
        self.nodes.extend((1..count).map(|_| NodeConfig::new(Role::Worker)));
        self
    }

    /// One node more, as described. The first call replaces the default node.
    #[must_use]
    pub fn node(mut self, node: NodeConfig) -> Self {
        self.nodes.push(node);
        self
    }

    /// Kubernetes' version: `1.37` or `1.37.2`. An image says its own.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// The node image.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// The nodes' own subnet: `10.200.7.0/24`. Without it a free one is chosen.
    #[must_use]
    pub fn node_subnet(mut self, subnet: impl Into<String>) -> Self {
        self.node_subnet = Some(subnet.into());
        self
    }

    /// The Pods' subnet.
    #[must_use]
    pub fn pod_subnet(mut self, subnet: impl Into<String>) -> Self {
        self.pod_subnet = Some(subnet.into());
        self
    }

    /// The Services' subnet.
    #[must_use]
    pub fn service_subnet(mut self, subnet: impl Into<String>) -> Self {
        self.service_subnet = Some(subnet.into());
        self
    }

    /// The API server's port on this machine's loopback. Without it a free one is chosen, and kept.
    #[must_use]
    pub fn api_server_port(mut self, port: u16) -> Self {
        self.api_server_port = Some(port);
        self
    }

    /// A field of every node's `KubeletConfiguration`: `.kubelet("maxPods", 20)`.
    #[must_use]
    pub fn kubelet(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.kubelet.insert(field.into(), value.into());
        self
    }

    pub(super) fn sets_kubelet(&self, field: &str) -> bool {
        self.kubelet.contains_key(field)
    }

    /// A merge patch for one of kubeadm's objects; `kind` in it says which.
    #[must_use]
    pub fn kubeadm_patch(mut self, patch: &Value) -> Self {
        self.kubeadm_patches.push(patch.to_string());
        self
    }

    /// A merge patch, in TOML, for every node's containerd.
    #[must_use]
    pub fn containerd_patch(mut self, patch: impl Into<String>) -> Self {
        self.containerd_patches.push(patch.into());
        self
    }

    /// A feature gate of all of Kubernetes' components.
    #[must_use]
    pub fn feature_gate(mut self, name: impl Into<String>, on: bool) -> Self {
        self.feature_gates.insert(name.into(), on);
        self
    }

    /// Has the API server write down what service accounts ask for, and who allowed it.
    #[must_use]
    pub fn audited(mut self, yes: bool) -> Self {
        self.audited = yes;
        self
    }

    /// Leaves what a failed create made, to be looked at.
    #[must_use]
    pub fn keep_on_failure(mut self, yes: bool) -> Self {
        self.retain = yes;
        self
    }

    /// A report's folder, in which a failed create leaves what its nodes knew before they were removed.
    #[must_use]
    pub fn evidence_into(mut self, folder: impl Into<PathBuf>) -> Self {
        self.evidence = Some(folder.into());
        self
    }

    /// Leaves the removal of a failed cluster to another party, which first collects evidence.
    pub(super) fn hand_over_to(mut self, handover: &LeaseHandover) -> Self {
        self.handover = Some(handover.clone());
        self
    }

    /// The nodes, at least one.
    pub(super) fn node_configs(&self) -> Vec<NodeConfig> {
        if self.nodes.is_empty() { vec![NodeConfig::new(Role::ControlPlane)] } else { self.nodes.clone() }
    }

    pub(super) fn map_nodes(&mut self, change: impl Fn(NodeConfig) -> NodeConfig) {
        self.nodes = self.node_configs().into_iter().map(change).collect();
    }

    pub(super) fn control_planes(&self) -> usize {
        self.node_configs().iter().filter(|node| node.role == Role::ControlPlane).count()
    }

    pub(super) fn pods(&self) -> &str {
        self.pod_subnet.as_deref().unwrap_or("10.244.0.0/16")
    }

    /// Checks that need no request.
    pub(super) fn check(&self) -> Result<(), KindError> {
        let refuse = |reason: &str, next: &str| {
            Err(KindError::Config { reason: reason.to_owned(), next: next.to_owned() })
        };
        if let Some(name) = &self.name {
            name::chosen(name)?;
        }
        if self.control_planes() == 0 {
            return refuse("it has no control plane", "add one: .node(NodeConfig::new(Role::ControlPlane))");
        }
        for node in self.node_configs() {
            if let Some(mount) = node.extra_mounts.iter().find(|mount| !mount.host_path.exists()) {
                let reason = format!("{} is to be mounted and does not exist", mount.host_path.display());
                return refuse(&reason, "create it first: Docker would make a folder owned by root");
            }
        }
        for subnet in [&self.node_subnet, &self.pod_subnet, &self.service_subnet].into_iter().flatten() {
            if super::network::parse(subnet).is_none() {
                let reason = format!("{subnet:?} is no IPv4 subnet");
                return refuse(&reason, "write it like 10.200.7.0/24, with nothing behind the mask");
            }
        }
        Ok(())
    }

    /// kind's own format.
    pub(super) fn render(&self, name: &str, image: &str) -> Result<String, KindError> {
        let mut patches = self.kubeadm_patches.clone();
        if !self.kubelet.is_empty() {
            let mut kubelet = self.kubelet.clone();
            kubelet.insert("kind".into(), json!("KubeletConfiguration"));
            patches.push(Value::Object(kubelet).to_string());
        }
        let nodes = self.node_configs().into_iter().map(|mut node| {
            node.image.get_or_insert_with(|| image.to_owned());
            node
        });
        let document = Document {
            kind: "Cluster",
            api_version: "kind.x-k8s.io/v1alpha4",
            name,
            nodes: nodes.collect(),
            networking: Networking {
                // Where IPVS is missing from the kernel, this one still works.
                kube_proxy_mode: "iptables",
                disable_default_cni: true,
                api_server_address: "127.0.0.1",
                api_server_port: self.api_server_port,
                pod_subnet: self.pods(),
                service_subnet: self.service_subnet.as_deref(),
            },
            feature_gates: &self.feature_gates,
            kubeadm_config_patches: patches,
            containerd_config_patches: &self.containerd_patches,
        };
        serde_saphyr::to_string(&document).map_err(|error| KindError::Config {
            reason: format!("it cannot be written as YAML: {error}"),
            next: "look at the patches for what YAML cannot hold".to_owned(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'c> {
    kind: &'static str,
    api_version: &'static str,
    name: &'c str,
    nodes: Vec<NodeConfig>,
    networking: Networking<'c>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    feature_gates: &'c BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kubeadm_config_patches: Vec<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    containerd_config_patches: &'c [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Networking<'c> {
    kube_proxy_mode: &'static str,
    #[serde(rename = "disableDefaultCNI")]
    disable_default_cni: bool,
    api_server_address: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_server_port: Option<u16>,
    pod_subnet: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_subnet: Option<&'c str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(config: &ClusterConfig) -> Value {
        config.check().unwrap();
        let text = config.render("seatrial-x", "node:1").unwrap();
        serde_saphyr::from_str(&text).unwrap()
    }

    #[test]
    fn a_plain_cluster_is_one_control_plane_without_a_default_network_for_pods() {
        let document = rendered(&ClusterConfig::new());
        assert_eq!(
            document,
            json!({
                "kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "name": "seatrial-x",
                "nodes": [{"role": "control-plane", "image": "node:1"}],
                "networking": {
                    "kubeProxyMode": "iptables", "disableDefaultCNI": true, "apiServerAddress": "127.0.0.1",
                    "podSubnet": "10.244.0.0/16",
                },
            })
        );
    }

    #[test]
    fn everything_that_can_be_asked_for_is_in_the_document() {
        let folder = tempfile::tempdir().unwrap();
        let worker = NodeConfig::new(Role::Worker)
            .image("node:2")
            .label("zone", "a")
            .mount(folder.path(), "/data")
            .read_only_mount(folder.path(), "/fixed")
            .port(30_000, 8_080)
            .kubeadm_patch(&json!({"kind": "JoinConfiguration"}));
        let config = ClusterConfig::new()
            .node(NodeConfig::new(Role::ControlPlane))
            .node(worker)
            .pod_subnet("10.1.0.0/16")
            .service_subnet("10.2.0.0/16")
            .api_server_port(6443)
            .kubelet("failCgroupV1", false)
            .kubeadm_patch(&json!({"kind": "ClusterConfiguration"}))
            .containerd_patch("version = 2")
            .feature_gate("Sidecars", true);
        let document = rendered(&config);
        let node = &document["nodes"][1];
        assert_eq!(node["image"], "node:2");
        assert_eq!(node["labels"], json!({"zone": "a"}));
        assert_eq!(node["extraMounts"][0]["containerPath"], "/data");
        assert_eq!(node["extraMounts"][1]["readOnly"], true);
        assert_eq!(
            node["extraPortMappings"][0],
            json!({"containerPort": 30_000, "hostPort": 8_080, "listenAddress": "127.0.0.1"})
        );
        assert_eq!(document["networking"]["podSubnet"], "10.1.0.0/16");
        assert_eq!(document["networking"]["serviceSubnet"], "10.2.0.0/16");
        assert_eq!(document["networking"]["apiServerPort"], 6443);
        assert_eq!(document["featureGates"], json!({"Sidecars": true}));
        assert_eq!(document["containerdConfigPatches"], json!(["version = 2"]));
        let patches: Vec<Value> = document["kubeadmConfigPatches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|patch| serde_json::from_str(patch.as_str().unwrap()).unwrap())
            .collect();
        assert_eq!(patches[1], json!({"kind": "KubeletConfiguration", "failCgroupV1": false}));
    }

    #[test]
    fn three_nodes_are_a_control_plane_and_two_workers() {
        let document = rendered(&ClusterConfig::new().nodes(3));
        let roles: Vec<_> = document["nodes"].as_array().unwrap().iter().map(|node| &node["role"]).collect();
        assert_eq!(roles, ["control-plane", "worker", "worker"]);
    }

    #[test]
    fn invalid_configuration_is_rejected_before_creation() {
        let refused = |config: ClusterConfig| config.check().unwrap_err().to_string();
        let text = refused(ClusterConfig::new().node(NodeConfig::new(Role::Worker)));
        assert!(text.contains("it has no control plane"), "{text}");
        let text = refused(ClusterConfig::new().node_subnet("10.0.0.0"));
        assert!(text.contains("\"10.0.0.0\" is no IPv4 subnet"), "{text}");
        let mounted = NodeConfig::new(Role::ControlPlane).mount("/nowhere/at/all", "/x");
        let text = refused(ClusterConfig::new().node(mounted));
        assert!(text.contains("/nowhere/at/all is to be mounted and does not exist"), "{text}");
        let text = refused(ClusterConfig::new().name("No Name"));
        assert!(text.contains("is no name for a cluster"), "{text}");
    }
}
