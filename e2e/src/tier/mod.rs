//! Tiers: API servers that specs can run on.

mod contract;
mod crds;
#[cfg(feature = "envtest")]
mod envtest;
mod existing;
mod fake;
#[cfg(feature = "kind")]
mod kind;
#[cfg(feature = "envtest")]
mod prepared;

pub(crate) use crate::context::Connection;
pub(crate) use contract::{Tier, TierError, choose};
pub(crate) use crds::SuiteDefinitions;
#[cfg(test)]
pub(crate) use fake::Fake;
