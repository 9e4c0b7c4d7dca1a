//! The trait of collectors: one sort of evidence, within a limit, in any state of the cluster.
//!
//! The collectors that need nothing but the API stand beside this file. A tier adds those of its own: the requests
//! that the fake answered, the journal of a node; and what a spec has made for itself may bring more.

use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use kube::Client;

use crate::artefacts::ArtefactWriter;
use crate::redaction::Redactor;
use crate::report::Timeline;

/// A failed attempt, as collectors need it.
pub(crate) struct FailureScene {
    /// Nothing where the tier could not be connected to.
    pub(crate) client: Option<Client>,
    /// The spec's own, and after it those that it said it looks at. None where the attempt failed before it had one.
    pub(crate) namespaces: Vec<String>,
    /// When the attempt began, by the cluster's clock.
    pub(crate) since: Timestamp,
    /// The attempt's timeline, which collectors read and extend.
    pub(crate) timeline: Arc<Timeline>,
    /// The attempt's redactor, which collectors extend with Secrets that they find.
    pub(crate) redactor: Arc<Redactor>,
}

/// Somebody who collects one sort of evidence.
///
/// Called once for each failed attempt, on the spec's runtime, before hooks, clean-ups and the namespace's end. It may
/// read from the cluster and must change nothing in it. What it has put into the bag stays there when it fails or its
/// limit ends it; it is then dropped at an await, so it must not block. Its failure is noted beside the artefacts and
/// never takes the place of the spec's own.
pub(crate) trait Collector {
    /// Name of the evidence, for the note that it is missing: `Pod logs`.
    fn name(&self) -> &'static str;

    /// Timeout, in the cluster's time.
    fn limit(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// An attempt begins on a cluster that is there already: what it finds is not its own.
    fn attempt_started(&self) {}

    /// Writes the evidence that there is. An error says what was asked and what came of it.
    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>>;
}

/// Evidence that comes with a connection.
#[derive(Default)]
pub(crate) struct EvidenceSources {
    /// A client for looking that the spec's own instruments do not notice; without one the spec's client looks.
    pub(crate) observer: Option<Client>,
    /// Collectors of this connection's own evidence.
    pub(crate) collectors: Vec<Box<dyn Collector>>,
}
