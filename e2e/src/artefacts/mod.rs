//! What a failed attempt leaves behind, collected before anything is cleaned up, and what is watched until then.

mod bag;
mod collector;

mod collect;
mod events;
mod objects;
#[cfg(feature = "envtest")]
mod plane_logs;
mod pod_logs;
mod process_log;
mod requests;

mod definitions;
mod feed;

mod kinds;

mod secrets;

pub(crate) use bag::Bag;
pub(crate) use collect::collect;
pub(crate) use collector::{Collector, Scene, Sources};
pub(crate) use feed::Feed;
pub(crate) use kinds::{KindAtHand, at_hand};
#[cfg(feature = "envtest")]
pub(crate) use plane_logs::PlaneLogs;
pub(crate) use process_log::capture;
pub(crate) use requests::{OBSERVER, Requests};
#[cfg(feature = "kind")]
pub(crate) use secrets::add_all_secrets;
pub(crate) use secrets::add_secrets;

#[cfg(test)]
mod on_the_fake;
