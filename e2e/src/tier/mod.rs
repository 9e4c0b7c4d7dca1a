//! What answers the API: one trait, and one file for each thing that can.

mod cluster;
mod crds;
#[cfg(feature = "envtest")]
mod envtest;
mod existing;
mod fake;
#[cfg(feature = "kind")]
mod kind;
mod need;
#[cfg(feature = "envtest")]
mod prepared;

pub(crate) use cluster::{Connection, Tier, TierError, choose};
pub(crate) use crds::{Definitions, established};
#[cfg(test)]
pub(crate) use fake::Fake;
pub use need::Need;
