//! `PodTemplate`: a Pod's specification, complete.

use serde_json::Value;

use crate::kinds::pod_spec::complete::complete;
use crate::object::view::fields::object_mut;
use crate::registry::strategy::Strategy;

/// `podtemplates`
#[derive(Debug)]
pub(crate) struct PodTemplate;

impl Strategy for PodTemplate {
    fn default(&self, object: &mut Value) {
        complete(object_mut(object_mut(object, "template"), "spec"));
    }
}
