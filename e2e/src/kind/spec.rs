//! Methods of a spec's context on tier `kind`: its cluster, nodes, and clusters of its own.
//!
//! It is an extension of a spec's context, which knows nothing of clusters itself.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::cluster::Cluster;
use super::config::{ClusterConfig, LeaseHandover};
use super::containers::connect;
use super::create::create_named;
use super::error::KindError;
use super::evidence::NodeEvidence;
use super::fault::{FaultyNode, kill_process};
use super::{delete, home::Home, name};
use crate::artefacts::Collector;
use crate::context::Cx;
use crate::span::mins;

/// Longest time that the removal of a spec's own cluster may take. What is left then is the next run's to remove.
const REMOVED_WITHIN: Duration = mins(5);

/// A spec's way to the cluster that it runs on.
pub trait KindExt {
    /// The cluster. An error on tiers without nodes of ours: such a spec needs
    /// [`Need::Kubelet`](crate::Need::Kubelet).
    fn kind(&self) -> Result<SpecCluster<'_>, KindError>;
}

impl KindExt for Cx {
    fn kind(&self) -> Result<SpecCluster<'_>, KindError> {
        match self.extensions.get::<Cluster>() {
            Some(cluster) => Ok(SpecCluster { cx: self, cluster: Cluster::clone(&cluster) }),
            None => Err(KindError::NotOnKind { tier: self.tier() }),
        }
    }
}

/// The cluster that a spec runs on.
pub struct SpecCluster<'cx> {
    cx: &'cx Cx,
    cluster: Cluster,
}

impl<'cx> SpecCluster<'cx> {
    /// The cluster itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A node by its whole name, or by what stands behind the cluster's: `worker`, `control-plane`.
    pub async fn node(&self, name: &str) -> Result<FaultyNode<'cx>, KindError> {
        let node = self.cluster.node(name).await?;
        Ok(FaultyNode::new(self.cx, self.cluster.clone(), node))
    }

    /// All nodes, by name.
    pub async fn nodes(&self) -> Result<Vec<FaultyNode<'cx>>, KindError> {
        let nodes = self.cluster.nodes().await?;
        Ok(nodes.into_iter().map(|node| FaultyNode::new(self.cx, self.cluster.clone(), node)).collect())
    }

    /// Brings an image of this machine's Docker into all nodes.
    pub async fn load_image(&self, image: &str) -> Result<(), KindError> {
        self.cluster.load_image(image).await
    }

    /// Kills the first process of a Pod's container, with SIGKILL. The kubelet starts it again.
    pub async fn kill_process(&self, pod: &Pod, container: &str) -> Result<(), KindError> {
        let name = pod.metadata.name.as_deref().unwrap_or("a Pod");
        let fault = self.cx.fault(&format!("killing the process of {container} in {name}"));
        let killed = kill_process(&self.cluster, pod, container).await;
        match &killed {
            Ok(()) => fault.finish(),
            Err(error) => fault.fail(error.to_string()),
        }
        killed
    }

    /// Makes another cluster, for this spec alone: it is removed at the spec's end, however that ends. A failure of
    /// the spec leaves what its nodes know, too, also where it did not come up.
    pub async fn another_cluster(&self, config: &ClusterConfig) -> Result<Cluster, KindError> {
        let name = match &config.name {
            Some(name) => name::chosen(name)?,
            None => name::unique(),
        };
        self.cx.step(format!("creating another cluster, {name}"));
        let home = Home::of_this_process();
        // Asked for first: a spec that is out of time in the middle of a create leaves no half of a cluster.
        let ours = Rc::new(Cell::new(true));
        let (undo_home, undo_name, undo_ours) = (home.clone(), name.clone(), Rc::clone(&ours));
        // The spec's handle may be gone when it fails: until its nodes were asked, nobody may take them for left over.
        let handover = LeaseHandover::default();
        let undo_handover = handover.clone();
        self.cx.defer_within(REMOVED_WITHIN, async move |_: &mut Cx| {
            if undo_ours.get() {
                delete::with_lease(&connect().await?, &undo_home, &undo_name).await?;
            }
            undo_handover.set(None);
            Ok(())
        });
        let evidence: Rc<dyn Collector> = Rc::new(NodeEvidence::of_another(&name, home.kubeconfig(&name)));
        self.cx.add_collector(Rc::clone(&evidence));
        let made = create_named(&home, &name, &config.clone().hand_over_to(&handover), &|_| ()).await;
        if let Ok(cluster) = &made {
            handover.set(cluster.lease.clone());
        }
        if matches!(made, Err(KindError::NameTaken { .. })) {
            ours.set(false);
            self.cx.remove_collector(&evidence);
        }
        made
    }
}
