//! Tier `existing`: the cluster of the current kubeconfig context.
//!
//! Specs create and delete objects, so the current context must stand on an allow-list; without that
//! nothing is contacted. What such a cluster has cannot be asked while specs are listed: the caller says
//! it. The cluster is shared with everybody else who uses it, and with the other specs.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use seatrial_fakeclient::Clock;

use crate::artefacts::EvidenceSources;
use crate::interrupt::Interrupt;
use crate::need::Need;
use crate::tier::{Connection, Tier, TierError};
use crate::type_map::TypeMap;

const NAME: &str = "existing";

/// The tier of a cluster that is already there.
pub(crate) struct Existing {
    allowed: Vec<String>,
    has: Vec<Need>,
}

impl Existing {
    pub(crate) fn new(allowed: Vec<String>, has: Vec<Need>) -> Self {
        Self { allowed, has }
    }

    async fn open(&self) -> Result<Connection, TierError> {
        let kubeconfig = read_kubeconfig()?;
        let context = self.admitted(&kubeconfig)?;
        let options = KubeConfigOptions { context: Some(context), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| TierError::from_error(NAME, &error))?;
        let client = Client::try_from(config).map_err(|error| TierError::from_error(NAME, &error))?;
        let (clock, sources) = (Clock::system(), EvidenceSources::default());
        Ok(Connection { client, clock, shared: true, sources, extensions: TypeMap::default() })
    }

    /// The current context's name, if specs may use it.
    fn admitted(&self, kubeconfig: &Kubeconfig) -> Result<String, TierError> {
        let Some(context) = kubeconfig.current_context.clone().filter(|context| !context.is_empty()) else {
            return Err(TierError::new(
                NAME,
                "the kubeconfig has no current-context; choose one with `kubectl config use-context`",
            ));
        };
        if self.allowed.contains(&context) {
            return Ok(context);
        }
        let listed = if self.allowed.is_empty() {
            "is not set".into()
        } else {
            format!("lists {}", self.allowed.join(", "))
        };
        Err(TierError::new(
            NAME,
            format!(
                "specs create and delete objects, and the current context {context:?} is not allowed: \
                 SEATRIAL_CONTEXT_ALLOW {listed}; set SEATRIAL_CONTEXT_ALLOW={context} if this cluster is meant"
            ),
        ))
    }
}

impl Tier for Existing {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has(&self, need: Need) -> bool {
        self.has.iter().any(|has| has.covers(need))
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), TierError> {
        self.admitted(&read_kubeconfig()?).map(drop)
    }

    fn prepare(&self, _interrupt: &Interrupt) -> Result<(), TierError> {
        Ok(())
    }

    fn connect(&self, _seed: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>> {
        self.open().boxed_local()
    }

    fn stop(&self) {}
}

fn read_kubeconfig() -> Result<Kubeconfig, TierError> {
    Kubeconfig::read().map_err(|error| {
        TierError::new(
            NAME,
            format!(
                "no kubeconfig can be read ({error}); set KUBECONFIG to one, or choose another SEATRIAL_TIER"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(current: Option<&str>, allowed: &[&str]) -> Result<String, String> {
        let kubeconfig = Kubeconfig { current_context: current.map(str::to_owned), ..Kubeconfig::default() };
        let allowed = allowed.iter().map(|name| (*name).to_owned()).collect();
        Existing::new(allowed, Vec::new()).admitted(&kubeconfig).map_err(|error| error.to_string())
    }

    #[test]
    fn a_context_on_the_list_may_be_used() {
        assert_eq!(admitted(Some("dev"), &["kind-a", "dev"]), Ok("dev".into()));
    }

    #[test]
    fn a_context_that_is_not_on_the_list_is_refused_by_name() {
        let error = admitted(Some("production"), &["dev"]).unwrap_err();
        assert!(error.contains("\"production\" is not allowed"), "{error}");
        assert!(error.contains("SEATRIAL_CONTEXT_ALLOW lists dev"), "{error}");
    }

    #[test]
    fn without_a_list_nothing_is_allowed() {
        let error = admitted(Some("dev"), &[]).unwrap_err();
        assert!(error.contains("set SEATRIAL_CONTEXT_ALLOW=dev"), "{error}");
    }

    #[test]
    fn a_kubeconfig_without_a_current_context_is_refused() {
        assert!(admitted(None, &["dev"]).unwrap_err().contains("no current-context"));
    }

    #[test]
    fn the_cluster_has_what_it_was_said_to_have() {
        let tier = Existing::new(Vec::new(), vec![Need::Nodes(2)]);
        assert!(tier.has(Need::Nodes(1)));
        assert!(!tier.has(Need::Kubelet));
    }
}
