//! Handle of a running cluster: client, nodes, images and removal.
//!
//! It belongs to the runtime that it was made on, like the connections in it. It does not know how the cluster came to
//! be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node as ApiNode;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::containers::{ROLE_LABEL, connect, containers, label, name_of};
use super::error::KindError;
use super::home::Home;
use super::lease::Lease;
use super::node::{ContainerState, Node};
use super::ready::{self, address};
use super::{cni, delete, image};
use crate::deploy::Archive;

/// Longest time that a node may take to be ready again after it was away.
const READY_AGAIN: Duration = Duration::from_secs(150);

/// A cluster that runs.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(super) docker: Docker,
    pub(super) home: Home,
    pub(super) name: String,
    pub(super) pods: String,
    pub(super) addresses: BTreeMap<String, String>,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) timings: Timings,
}

/// Durations of a create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// kind's own part.
    pub kind: Duration,
    /// The Pods' network.
    pub network: Duration,
    /// Until all nodes were ready and the cluster's DNS answered.
    pub ready: Duration,
}

/// Facts in the cluster's folder, for processes that open the cluster later.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct ClusterFacts {
    pub(super) pods: String,
    pub(super) addresses: BTreeMap<String, String>,
}

impl Cluster {
    /// Opens a cluster that runs, by name. A cluster that was made by kind's own command will do.
    pub async fn open(home: &Home, name: &str) -> Result<Self, KindError> {
        let docker = connect().await?;
        if containers(&docker, Some(name)).await?.is_empty() {
            let reason = "no container carries its label".to_owned();
            return Err(KindError::NoCluster { name: name.to_owned(), reason });
        }
        if !home.kubeconfig(name).exists() {
            foreign_kubeconfig(home, name).await?;
        }
        let facts = ClusterFacts::read(home, name)?;
        let (lease, home, name) = (Lease::join(home, name)?.map(Arc::new), home.clone(), name.to_owned());
        let timings = Timings::default();
        Ok(Self { docker, home, name, pods: facts.pods, addresses: facts.addresses, lease, timings })
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A kubeconfig with all rights.
    pub fn kubeconfig(&self) -> PathBuf {
        self.home.kubeconfig(&self.name)
    }

    /// Durations of its create; zero for a cluster that existed.
    pub fn timings(&self) -> Timings {
        self.timings
    }

    /// A client that may do everything, for the runtime that this is called on.
    pub async fn client(&self) -> Result<Client, KindError> {
        client_of(&self.kubeconfig(), &self.name).await
    }

    /// The nodes, by name; not what else kind runs beside them.
    pub async fn nodes(&self) -> Result<Vec<Node>, KindError> {
        let found = containers(&self.docker, Some(&self.name)).await?;
        let nodes = found
            .iter()
            .filter(|container| matches!(label(container, ROLE_LABEL), Some("control-plane" | "worker")));
        let mut nodes: Vec<Node> = nodes.map(|container| self.node_called(name_of(container))).collect();
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(nodes)
    }

    fn node_called(&self, name: String) -> Node {
        let address = self.addresses.get(&name).cloned();
        Node { docker: self.docker.clone(), cluster: self.name.clone(), name, address }
    }

    /// A node by its whole name, or by what stands behind the cluster's: `worker`, `control-plane`.
    pub async fn node(&self, name: &str) -> Result<Node, KindError> {
        let nodes = self.nodes().await?;
        let full = format!("{}-{name}", self.name);
        if let Some(node) = nodes.iter().find(|node| node.name == name || node.name == full) {
            return Ok(node.clone());
        }
        let names: Vec<_> = nodes.iter().map(Node::name).collect();
        Err(KindError::NoCluster {
            name: name.to_owned(),
            reason: format!("the nodes of {} are {}", self.name, names.join(", ")),
        })
    }

    /// Brings an image of this machine's Docker into all nodes.
    pub async fn load_image(&self, image: &str) -> Result<(), KindError> {
        image::load(&self.docker, image, &self.nodes().await?).await
    }

    /// Brings an image from a file into all nodes; those that have it are left alone.
    pub async fn load_archive(&self, archive: &Archive) -> Result<(), KindError> {
        image::load_archive(archive, &self.nodes().await?).await
    }

    /// Keeps the cluster when its last user is gone, for this reason.
    pub fn keep(&self, why: &str) -> Result<(), KindError> {
        // Only while it is being made it has none, and nobody has this handle yet.
        let lease = self.lease.as_ref();
        lease.map_or(Ok(()), |lease| lease.change(|claim| claim.kept = Some(why.to_owned())))
    }

    /// Removes the cluster and everything that belongs to it.
    pub async fn delete(self) -> Result<(), KindError> {
        // Its lease is held until the end, so that nobody else removes it at the same time.
        delete::with_lease(&self.docker, &self.home, &self.name).await
    }

    /// Waits until a node is ready, by what it said after this moment.
    pub(super) async fn wait_ready(&self, node: &Node, since: Timestamp) -> Result<(), KindError> {
        ready::node_since(&self.client().await?, &node.name, since, READY_AGAIN).await
    }

    /// Puts the Pods' network back on a node that was started: routes and rules go with its network namespace.
    pub(super) async fn mend_network(&self, node: &Node) -> Result<(), KindError> {
        if self.pods.is_empty() {
            return Ok(());
        }
        // The API server may be coming back with the node.
        let client = self.client().await?;
        let count = self.nodes().await?.len();
        let all = ready::pod_subnets(&client, count, READY_AGAIN).await?;
        cni::apply(&self.docker, &all, std::iter::once(node.name.as_str()), &self.pods).await
    }

    /// Undoes what a killed run may have left on a cluster that was kept: paused, stopped, cut off or slow nodes.
    pub(super) async fn heal(&self) -> Result<(), KindError> {
        for node in self.nodes().await? {
            let now = Timestamp::now();
            match node.condition().await? {
                ContainerState::Paused => node.unpause().await?,
                ContainerState::Stopped => {
                    node.start().await?;
                    self.mend_network(&node).await?;
                    self.wait_ready(&node, now).await?;
                }
                ContainerState::Running => {}
            }
            super::fault::mend_link(&node).await?;
        }
        Ok(())
    }

    /// The addresses of the nodes as the API server has them.
    pub(super) fn addresses_of<'n>(
        nodes: impl Iterator<Item = (&'n String, &'n ApiNode)>,
    ) -> BTreeMap<String, String> {
        nodes.filter_map(|(name, node)| Some((name.clone(), address(node)?.to_owned()))).collect()
    }

    /// The Node object of a node.
    pub async fn api_node(&self, node: &Node) -> Result<ApiNode, KindError> {
        let api: Api<ApiNode> = Api::all(self.client().await?);
        api.get(&node.name).await.map_err(KindError::api(format!("reading Node {}", node.name)))
    }
}

/// A client with the rights of a cluster's kubeconfig.
pub(super) async fn client_of(path: &Path, cluster: &str) -> Result<Client, KindError> {
    let unread = |reason: String| KindError::File { path: path.to_owned(), doing: "read", reason };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| unread(error.to_string()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(|error| unread(error.to_string()))?;
    Client::try_from(config).map_err(KindError::api(format!("making a client for {cluster}")))
}

/// Asks kind for the kubeconfig of a cluster that was made without us.
async fn foreign_kubeconfig(home: &Home, name: &str) -> Result<(), KindError> {
    let kind = super::binary::kind().await?;
    let mut command = std::process::Command::new(&kind);
    command.args(["get", "kubeconfig", "--name", name]).env("DOCKER_HOST", crate::docker::host());
    let output = command.output().map_err(KindError::file(&kind, "run"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(KindError::NoCluster { name: name.to_owned(), reason });
    }
    let path = home.kubeconfig(name);
    let folder = home.folder(name);
    std::fs::create_dir_all(&folder).map_err(KindError::file(&folder, "created"))?;
    std::fs::write(&path, output.stdout).map_err(KindError::file(&path, "written"))
}

impl ClusterFacts {
    fn path(home: &Home, name: &str) -> PathBuf {
        home.folder(name).join("facts.json")
    }

    /// Facts of a cluster; nothing is known of one that was not made here.
    fn read(home: &Home, name: &str) -> Result<Self, KindError> {
        let path = Self::path(home, name);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| KindError::File {
                path,
                doing: "read",
                reason: error.to_string(),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(KindError::file(&path, "read")(error)),
        }
    }

    pub(super) fn write(&self, home: &Home, name: &str) -> Result<(), KindError> {
        let path = Self::path(home, name);
        let text = serde_json::to_vec_pretty(self).expect("strings become JSON");
        std::fs::write(&path, text).map_err(KindError::file(&path, "written"))
    }
}
