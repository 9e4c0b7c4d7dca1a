//! What a failed attempt leaves behind, collected before anything is cleaned up.

#[cfg_attr(not(test), expect(dead_code, reason = "the run loop opens a bag for each attempt that failed"))]
mod bag;
#[expect(dead_code, reason = "tiers bring collectors, and the run loop calls them")]
mod collector;

pub(crate) use bag::Bag;
pub(crate) use collector::Collector;
#[expect(unused_imports, reason = "collectors are given a scene")]
pub(crate) use collector::Scene;
