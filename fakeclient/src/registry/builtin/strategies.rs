//! Which built-in kinds have Rust code beside their data, and which.

use std::sync::Arc;

use crate::registry::strategy::{Generic, Strategy};

/// The strategy of a built-in, by the group and plural of its resource (`deployments.apps`).
pub(crate) fn strategy_of(_group_resource: &str) -> Arc<dyn Strategy> {
    Arc::new(Generic)
}
