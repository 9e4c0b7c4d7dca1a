//! Tier `fake`: an API server in this process, in virtual time; every spec has a cluster to itself.
//!
//! The cluster's clock follows the spec's paused runtime, so a spec that waits for an hour takes
//! milliseconds, and a run is a function of the specs and the seed.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use seatrial_fakeclient::{Clock, FakeCluster};

use crate::artefacts::{EvidenceSources, OBSERVER, Requests};
use crate::interrupt::Interrupt;
use crate::need::Need;
use crate::tier::{Connection, Tier, TierError};
use crate::type_map::TypeMap;
use crate::webhooks::WebhookHost;

const NAME: &str = "fake";

/// When time begins, for every spec: 2026-01-01T00:00:00Z.
const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The in-memory tier.
pub(crate) struct Fake;

impl Tier for Fake {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has(&self, need: Need) -> bool {
        matches!(need, Need::Controllers | Need::Webhooks)
    }

    fn virtual_time(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), TierError> {
        Ok(())
    }

    fn prepare(&self, _interrupt: &Interrupt) -> Result<(), TierError> {
        Ok(())
    }

    fn connect(&self, seed: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>> {
        let clock = Clock::tokio(EPOCH);
        let built = FakeCluster::builder().seed(seed).clock(clock.clone()).build();
        let connection = built
            .map_err(|error| TierError::from_error(NAME, &error))
            .map(|cluster| connection(cluster, clock));
        std::future::ready(connection).boxed_local()
    }

    fn stop(&self) {}
}

fn connection(cluster: FakeCluster, clock: Clock) -> Connection {
    let (client, observer) = (cluster.client(), cluster.client_as(OBSERVER));
    let mut extensions = TypeMap::default();
    extensions.insert(WebhookHost::InProcess(cluster.clone()));
    let sources = EvidenceSources { observer: Some(observer), collectors: vec![Box::new(Requests(cluster))] };
    Connection { client, clock, shared: false, sources, extensions }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_begins_with_the_year() {
        assert_eq!(EPOCH.to_string(), "2026-01-01T00:00:00Z");
    }
}
