//! The trait of tiers, and the choice of one.
//!
//! A tier hands every spec a connection of its own, because a client dies with the runtime it was made
//! in and each spec has its own runtime. It knows nothing of specs.

use std::error::Error;
use std::sync::Arc;

use futures::future::LocalBoxFuture;

use crate::artefacts::Collector;
use crate::context::Connection;
use crate::interrupt::Interrupt;
use crate::need::Need;
use crate::options::{Options, TierKind};
#[cfg(feature = "envtest")]
use crate::tier::envtest::Envtest;
use crate::tier::existing::Existing;
use crate::tier::fake::Fake;
#[cfg(feature = "kind")]
use crate::tier::kind::KindTier;

/// Something that answers the API.
pub(crate) trait Tier: Send + Sync {
    /// The tier's name, as `SEATRIAL_TIER` gives it.
    fn name(&self) -> &'static str;

    /// True if a spec with this need can run here. Asked when specs are listed: it must answer at once
    /// and without a cluster.
    fn has(&self, need: Need) -> bool;

    /// True if time is virtual: the spec's runtime is paused, and time moves on only when no task can run.
    /// Must be false wherever real sockets are waited for.
    fn virtual_time(&self) -> bool;

    /// Called once, before the first spec that runs and never for a listing: the place to refuse.
    fn check(&self) -> Result<(), TierError>;

    /// Called before each spec, outside of its runtime and of its time: the place to start what takes long. What is
    /// half-started when the run is asked to end must be given up, and be removed.
    fn prepare(&self, interrupt: &Interrupt) -> Result<(), TierError>;

    /// Called once for each spec, on the spec's own runtime, after `prepare`.
    fn connect(&self, seed: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>>;

    /// Collectors of this tier's own evidence, called for each failed attempt: nodes' journals, containers' logs.
    fn collectors(&self) -> Vec<Box<dyn Collector>> {
        Vec::new()
    }

    /// Called once, after the last spec. Stops what `prepare` started.
    fn stop(&self);
}

/// Error of a tier.
#[derive(Debug, thiserror::Error)]
#[error("tier {tier}: {message}")]
pub(crate) struct TierError {
    tier: &'static str,
    message: String,
}

impl TierError {
    pub(crate) fn new(tier: &'static str, message: impl Into<String>) -> Self {
        Self { tier, message: message.into() }
    }

    pub(crate) fn from_error(tier: &'static str, error: &(dyn Error + 'static)) -> Self {
        Self::new(tier, crate::failure::sentence(error))
    }
}

/// The tier that the options name.
pub(crate) fn choose(options: &Options) -> Arc<dyn Tier> {
    match options.tier {
        TierKind::Fake => Arc::new(Fake),
        #[cfg(feature = "envtest")]
        TierKind::Envtest => Arc::new(Envtest::new()),
        #[cfg(feature = "kind")]
        TierKind::Kind => Arc::new(KindTier::from_env(options.report.clone())),
        TierKind::Existing => Arc::new(Existing::new(options.contexts.clone(), options.has.clone())),
    }
}
