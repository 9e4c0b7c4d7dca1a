//! The fake side: a cluster whose clock follows the real server's.

use std::sync::Arc;

use jiff::Timestamp;
use seatrial_fakeclient::{Clock, FakeCluster, ServerHandle};
use seatrial_fixtures::conformance::FakeServer;
use seatrial_fixtures::wire::in_process;

/// A new fake cluster with a clock at `start` and with `objects` (YAML).
pub(crate) fn fake_server(start: Timestamp, objects: &str) -> FakeServer {
    let clock = Clock::manual(start);
    let cluster = FakeCluster::builder().clock(clock.clone()).objects(objects).build();
    let cluster = cluster.expect("the objects are those that a real server takes");
    let serve = async |cluster: FakeCluster| cluster.serve(0).await;
    let wire =
        in_process(cluster, FakeCluster::service, serve, ServerHandle::kubeconfig, FakeCluster::compact);
    FakeServer { wire, set_clock: Arc::new(move |time| clock.advance_to(time)) }
}
