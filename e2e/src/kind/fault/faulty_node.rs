//! A node whose faults are undone at the spec's end.
//!
//! Each fault is written down before it is done, so that a spec that is out of time in the middle of one leaves none.
//! A node that was away is waited for, too, because the specs that come next count on it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::cluster::Cluster;
use super::super::error::KindError;
use super::super::node::{ContainerState, Node};
use super::{Bandwidth, PacketLoss, link, partition};
use crate::context::Cx;
use crate::docker::Output;
use crate::report::OngoingMoment;
use crate::span::mins;

/// Longest time that all faults of a node may take to be undone, the wait for the node included: more than its parts
/// may.
const UNDONE_WITHIN: Duration = mins(10);

/// Fault of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NodeFault {
    // In the order in which they are undone: a stopped node has no network to mend, a paused one answers nobody.
    Paused,
    Stopped,
    CutOff,
    BadLink,
}

/// The faults of a node, each with its length on the spec's timeline, which ends when it is undone.
type Faults = BTreeMap<NodeFault, OngoingMoment>;

/// The faults of a spec, or of a group of specs that share a cluster, by node.
struct FaultLedger {
    of: String,
    faults: RefCell<BTreeMap<String, Faults>>,
}

/// A node of the spec's cluster.
pub struct FaultyNode<'cx> {
    cx: &'cx Cx,
    cluster: Cluster,
    node: Node,
}

impl<'cx> FaultyNode<'cx> {
    pub(in super::super) fn new(cx: &'cx Cx, cluster: Cluster, node: Node) -> Self {
        Self { cx, cluster, node }
    }

    /// The node's name: its container's, and its Node's.
    pub fn name(&self) -> &str {
        self.node.name()
    }

    /// The node's address on its cluster's network.
    pub fn address(&self) -> Option<&str> {
        self.node.address()
    }

    /// Runs a command in the node.
    pub async fn exec(&self, command: &[&str]) -> Result<Output, KindError> {
        self.node.exec(command).await
    }

    /// Waits until the node is ready, by what it says from now on.
    pub async fn wait_ready(&self) -> Result<(), KindError> {
        self.cluster.wait_ready(&self.node, Timestamp::now()).await
    }
}

/// Its power.
impl FaultyNode<'_> {
    /// Freezes everything in the node: no process runs, no connection is closed.
    pub async fn pause(&self) -> Result<(), KindError> {
        self.begin(NodeFault::Paused);
        self.node.pause().await
    }

    /// Lets it go on.
    pub async fn unpause(&self) -> Result<(), KindError> {
        self.end(NodeFault::Paused).await
    }

    /// Shuts the node down in order.
    pub async fn stop(&self) -> Result<(), KindError> {
        self.begin(NodeFault::Stopped);
        self.node.stop().await
    }

    /// Takes its power away: nothing in it is asked, nothing is written.
    pub async fn kill(&self) -> Result<(), KindError> {
        self.begin(NodeFault::Stopped);
        self.node.kill().await
    }

    /// Starts a node that was stopped or killed, at the same address.
    pub async fn start(&self) -> Result<(), KindError> {
        self.end(NodeFault::Stopped).await
    }

    /// Takes its power away and gives it back.
    pub async fn restart(&self) -> Result<(), KindError> {
        self.kill().await?;
        self.start().await
    }
}

/// Its network.
impl FaultyNode<'_> {
    /// Cuts the node off: nothing comes in, nothing goes out. It runs on, and keeps its address.
    pub async fn cut_off(&self) -> Result<(), KindError> {
        self.begin(NodeFault::CutOff);
        partition::cut_off(&self.node).await
    }

    /// Gives it its network back.
    pub async fn heal(&self) -> Result<(), KindError> {
        self.end(NodeFault::CutOff).await
    }

    /// Lets the node send at this pace at most.
    pub async fn slow(&self, pace: Bandwidth) -> Result<(), KindError> {
        self.begin(NodeFault::BadLink);
        link::slow(&self.node, pace).await
    }

    /// Delays everything that the node sends. An error where the kernel has no netem.
    pub async fn delay(&self, by: Duration) -> Result<(), KindError> {
        self.begin(NodeFault::BadLink);
        link::delay(&self.node, by).await
    }

    /// Loses a share of what the node sends. Refused where the kernel has no netem.
    pub async fn lose(&self, loss: PacketLoss) -> Result<(), KindError> {
        self.begin(NodeFault::BadLink);
        link::lose(&self.node, loss).await
    }

    /// Ends a slow pace, a delay or a loss.
    pub async fn mend_link(&self) -> Result<(), KindError> {
        self.end(NodeFault::BadLink).await
    }
}

impl FaultyNode<'_> {
    /// Writes a fault down, and has it undone at the end of the spec.
    fn begin(&self, fault: NodeFault) {
        let ongoing = self.cx.fault(&format!("{}: {}", self.node.name(), describe(fault)));
        let book = self.book();
        let mut faults = book.faults.borrow_mut();
        let of_node = faults.entry(self.node.name().to_owned()).or_default();
        if of_node.is_empty() {
            let (cluster, node, book) = (self.cluster.clone(), self.node.clone(), Rc::clone(&book));
            self.cx.defer_within(UNDONE_WITHIN, async move |_: &mut Cx| {
                let left = book.faults.borrow_mut().remove(node.name()).unwrap_or_default();
                undo_all(&cluster, &node, left).await?;
                Ok(())
            });
        }
        // A second one of its kind takes the first one's place: a slower link, say.
        if let Some(before) = of_node.insert(fault, ongoing) {
            before.finish();
        }
    }

    async fn end(&self, fault: NodeFault) -> Result<(), KindError> {
        self.cx.step(format!("{}: no longer {}", self.node.name(), describe(fault)));
        undo(&self.cluster, &self.node, fault).await?;
        // Written down as gone only now: what cannot be undone here is tried once more at the end.
        let gone =
            self.book().faults.borrow_mut().get_mut(self.node.name()).and_then(|held| held.remove(&fault));
        if let Some(ongoing) = gone {
            ongoing.finish();
        }
        Ok(())
    }

    /// The spec's own: what its group has broken is undone at the group's end, and what it breaks itself before that.
    fn book(&self) -> Rc<FaultLedger> {
        let kept = self.cx.kept::<FaultLedger>().ok().filter(|book| book.of == self.cx.spec());
        kept.unwrap_or_else(|| {
            self.cx.keep(FaultLedger { of: self.cx.spec().to_owned(), faults: RefCell::default() })
        })
    }
}

fn describe(fault: NodeFault) -> &'static str {
    match fault {
        NodeFault::Paused => "paused",
        NodeFault::Stopped => "without power",
        NodeFault::CutOff => "cut off the network",
        NodeFault::BadLink => "on a bad network",
    }
}

async fn undo_all(cluster: &Cluster, node: &Node, faults: Faults) -> Result<(), KindError> {
    if faults.is_empty() {
        return Ok(());
    }
    let since = Timestamp::now();
    let mut first = None;
    for (fault, ongoing) in faults {
        match undo(cluster, node, fault).await {
            Ok(()) => ongoing.finish(),
            // The others are undone all the same.
            Err(error) => {
                ongoing.fail(error.to_string());
                first.get_or_insert(error);
            }
        }
    }
    let ready = cluster.wait_ready(node, since).await;
    first.map_or(ready, Err)
}

/// Undoes a fault, if it is there: it may have been refused, or undone by hand.
async fn undo(cluster: &Cluster, node: &Node, fault: NodeFault) -> Result<(), KindError> {
    let condition = node.condition().await?;
    match (fault, condition) {
        (NodeFault::Paused, ContainerState::Paused) => node.unpause().await,
        (NodeFault::Stopped, ContainerState::Stopped) => {
            node.start().await?;
            cluster.mend_network(node).await
        }
        (NodeFault::CutOff, ContainerState::Running) => partition::heal(node).await,
        (NodeFault::BadLink, ContainerState::Running) => link::reset(node).await,
        // Rules go with a stopped node's network; a node that is paused for another reason is mended after that one.
        _ => Ok(()),
    }
}
