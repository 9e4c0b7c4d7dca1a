//! Tier `kind`: a cluster of real nodes in containers, which all specs of a run share.
//!
//! It is found through a registry outside of this process, so it does not matter whether the runner starts one process
//! for all specs or one for each. Whoever comes first makes it, outside of any spec's time; whoever leaves last
//! removes it. A cluster that the caller names is used, and left alone.

use std::path::PathBuf;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use seatrial_fakeclient::Clock;
use tokio::runtime::{Builder, Runtime};

use crate::artefacts::{Collector, EvidenceSources};
use crate::audit::AuditSource;
use crate::interrupt::Interrupt;
use crate::kind::{self, Cluster, ClusterConfig, Home, KindError, NodeEvidence, SharedCluster};
use crate::need::Need;
use crate::report::print_to_stderr;
use crate::tier::prepared::Prepared;
use crate::tier::{Connection, Tier, TierError};
use crate::type_map::TypeMap;

const NAME: &str = "kind";

/// A control plane, and a node that is none.
const NODES: u32 = 2;

/// The tier of a cluster of nodes in containers.
pub(crate) struct KindTier {
    settings: KindSettings,
    /// The report's folder, if there is one.
    report: Option<PathBuf>,
    shared: Prepared<SharedCluster>,
}

/// Settings from the environment.
#[derive(Debug, PartialEq, Eq)]
struct KindSettings {
    cluster: Option<String>,
    nodes: Result<u32, String>,
    version: Option<String>,
}

impl KindSettings {
    fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let nodes = lookup("SEATRIAL_KIND_NODES").map_or(Ok(NODES), |text| {
            let count = text.parse().ok().filter(|count| *count > 0);
            count.ok_or_else(|| format!("SEATRIAL_KIND_NODES is {text:?}: it is a whole number from 1"))
        });
        Self { cluster: lookup("SEATRIAL_KIND_CLUSTER"), nodes, version: lookup("SEATRIAL_KIND_VERSION") }
    }

    fn config(&self) -> ClusterConfig {
        let config = ClusterConfig::new().nodes(*self.nodes.as_ref().unwrap_or(&NODES)).audited(true);
        match &self.version {
            Some(version) => config.version(version),
            None => config,
        }
    }
}

impl KindTier {
    pub(crate) fn from_env(report: Option<PathBuf>) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self { settings: KindSettings::read(variable), report, shared: Prepared::nothing(NAME) }
    }

    fn begin(&self, interrupt: &Interrupt) -> Result<SharedCluster, String> {
        let home = Home::of_this_process();
        let making = async {
            if let Some(name) = &self.settings.cluster {
                return kind::share_named(&home, name).await;
            }
            kind::reap(&home, false).await?;
            let config = self.settings.config();
            let config = match &self.report {
                Some(folder) => config.evidence_into(folder),
                None => config,
            };
            kind::share(&home, &config, &print_to_stderr).await
        };
        let making = making.boxed_local();
        runtime().block_on(async {
            let called = match interrupt.run_until(making).await {
                Ok(made) => return made.map_err(|error| error.to_string()),
                Err(called) => called,
            };
            let removed = match kind::reap(&home, false).await {
                Ok(_) => "what there was of it is removed".to_owned(),
                Err(error) => format!("the next run removes what there is of it, because now {error}"),
            };
            Err(format!("ended by {} while the cluster was made; {removed}", called.by))
        })
    }

    async fn open(&self) -> Result<Connection, TierError> {
        let name = self.shared.look(|shared| shared.name().to_owned())?;
        let failed = |error: KindError| TierError::new(NAME, error.to_string());
        let cluster = Cluster::open(&Home::of_this_process(), &name).await.map_err(failed)?;
        let client = cluster.client().await.map_err(failed)?;
        let sources = EvidenceSources::default();
        let mut extensions = TypeMap::default();
        extensions.insert(AuditSource(Rc::new(cluster.clone())));
        extensions.insert(cluster);
        Ok(Connection { client, clock: Clock::system(), shared: true, sources, extensions })
    }
}

impl Tier for KindTier {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has(&self, need: Need) -> bool {
        match need {
            Need::Controllers | Need::Kubelet | Need::Audit => true,
            Need::Nodes(count) => *self.settings.nodes.as_ref().unwrap_or(&NODES) >= count,
            // The API server runs in a container, whose loopback is not this process's.
            Need::Webhooks => false,
        }
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), TierError> {
        self.settings.nodes.as_ref().map(drop).map_err(|message| TierError::new(NAME, message))
    }

    fn prepare(&self, interrupt: &Interrupt) -> Result<(), TierError> {
        self.shared.prepare(|| self.begin(interrupt))
    }

    fn connect(&self, _seed: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>> {
        self.open().boxed_local()
    }

    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        let nodes = self.shared.look(|shared| NodeEvidence::new(shared.name()));
        nodes.into_iter().map(|nodes| Box::new(nodes) as Box<dyn Collector>).collect()
    }

    fn stop(&self) {
        if let Some(shared) = self.shared.take() {
            let name = shared.name().to_owned();
            if let Err(error) = runtime().block_on(shared.leave()) {
                print_to_stderr(&format!(
                    "cluster {name} could not be removed, the next run does it: {error}"
                ));
            }
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime for the cluster")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(pairs: &[(&str, &str)]) -> KindTier {
        let lookup =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        KindTier { settings: KindSettings::read(lookup), report: None, shared: Prepared::nothing(NAME) }
    }

    #[test]
    fn tier_has_two_nodes_by_default() {
        assert!(tier(&[]).has(Need::Nodes(2)) && tier(&[]).has(Need::Kubelet));
        assert!(!tier(&[]).has(Need::Nodes(3)));
        assert!(tier(&[("SEATRIAL_KIND_NODES", "3")]).has(Need::Nodes(3)));
    }

    #[test]
    fn a_number_of_nodes_that_is_none_is_refused_before_anything_is_made() {
        for wrong in ["0", "two", "-1"] {
            let error = tier(&[("SEATRIAL_KIND_NODES", wrong)]).check().unwrap_err().to_string();
            assert!(error.contains(&format!("SEATRIAL_KIND_NODES is \"{wrong}\"")), "{error}");
        }
    }
}
