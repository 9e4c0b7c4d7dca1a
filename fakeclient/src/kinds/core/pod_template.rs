//! `PodTemplate`: defaults of the Pod spec.

use serde_json::Value;

use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::object::view::fields::object_mut;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `podtemplates`
#[derive(Debug)]
pub(crate) struct PodTemplate;

impl Strategy for PodTemplate {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/template/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        set_pod_spec_defaults(object_mut(object_mut(object, "template"), "spec"));
    }
}

impl CreateStrategy for PodTemplate {}
impl UpdateStrategy for PodTemplate {}
impl StatusStrategy for PodTemplate {}
impl DeleteStrategy for PodTemplate {}
