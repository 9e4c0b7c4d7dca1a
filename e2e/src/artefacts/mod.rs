//! Evidence of failed attempts, collected before clean-up, and the feed of changes until then.

mod collector;
mod writer;

mod collect;
#[cfg(feature = "envtest")]
mod control_plane_logs;
mod events;
mod objects;
mod pod_logs;
mod process_log;
mod requests;

mod definitions;
mod feed;

mod kinds;

mod secrets;

pub(crate) use collect::collect;
pub(crate) use collector::{Collector, EvidenceSources, FailureScene};
#[cfg(feature = "envtest")]
pub(crate) use control_plane_logs::PlaneLogs;
pub(crate) use feed::NamespaceFeed;
pub(crate) use kinds::{DiscoveredKind, discover};
pub(crate) use process_log::capture;
pub(crate) use requests::{OBSERVER, Requests};
#[cfg(feature = "kind")]
pub(crate) use secrets::add_all_secrets;
pub(crate) use secrets::add_secrets;
pub(crate) use writer::ArtefactWriter;

#[cfg(test)]
mod on_the_fake;
