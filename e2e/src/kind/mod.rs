//! Clusters of real nodes in containers, made by kind: creation, sharing, faults and removal.
//!
//! A configuration (`config`) becomes a cluster in `create`, or one error with a diagnosis of the nodes (`diagnosis`):
//! Docker (`containers`), kind's binary (`binary`), images (`origin`), a name (`name`) with a lease (`home`, `lease`),
//! a `network` of its own, kind itself, the Pods' network (`cni`), and nodes that are ready (`ready`). `cluster` is the
//! handle to it and `node` to one of its nodes, which `pause` pauses; `image` brings images to the nodes; `registry`
//! lets many processes share one cluster; `delete` and `reap` end clusters, `fault` breaks their nodes for a while, and
//! `evidence` asks them what they know of a failure. A spec comes to all of it through `spec`.

mod error;

mod config;

mod containers;

mod binary;

mod name;

mod home;

mod lease;

mod network;

mod origin;

mod create;

mod diagnosis;

mod cni;

mod ready;

mod cluster;

mod node;

mod pause;

mod image;

mod audit;

mod registry;

mod delete;

mod reap;

mod fault;

mod evidence;

mod spec;

pub use crate::docker::Output;
pub use cluster::{Cluster, Timings};
pub use config::{ClusterConfig, NodeConfig, Role};
pub use create::create;
pub use error::KindError;
pub(crate) use evidence::NodeEvidence;
pub use fault::{Bandwidth, FaultyNode, PacketLoss};
pub use home::Home;
pub use node::Node;
pub use reap::{Reaped, reap};
pub use registry::reuse;
pub(crate) use registry::{SharedCluster, share, share_named};
pub use spec::{KindExt, SpecCluster};
