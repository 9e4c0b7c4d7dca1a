//! `DeviceTaintRule`: the time at which its taint was added or changed.

use std::borrow::Cow;

use serde_json::Value;

use crate::object::view::fields::{FieldAccess, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `devicetaintrules.resource.k8s.io`
#[derive(Debug)]
pub(crate) struct DeviceTaintRule;

impl Strategy for DeviceTaintRule {
    fn for_field_management<'o>(&self, object: &'o Value, now: &str) -> Cow<'o, Value> {
        if object["spec"]["taint"].has("timeAdded") {
            return Cow::Borrowed(object);
        }
        let mut stamped = object.clone();
        set(object_mut(object_mut(&mut stamped, "spec"), "taint"), "timeAdded", now);
        Cow::Owned(stamped)
    }

    fn set_times(&self, object: &mut Value, old: Option<&Value>, now: &str) {
        let before = old.map_or(&Value::Null, |old| &old["spec"]["taint"]);
        let taint = object_mut(object_mut(object, "spec"), "taint");
        let since = taint.get("timeAdded").cloned().unwrap_or_default();
        let changed = ["key", "value", "effect"].iter().any(|part| taint.get(part) != before.get(part));
        if since.is_null() || (old.is_some() && changed && since == before["timeAdded"]) {
            set(taint, "timeAdded", now);
        }
    }
}

impl CreateStrategy for DeviceTaintRule {}
impl UpdateStrategy for DeviceTaintRule {}
impl StatusStrategy for DeviceTaintRule {}
impl DeleteStrategy for DeviceTaintRule {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn taint_time_changes_with_the_taint() {
        let mut object = json!({"spec": {"taint": {"key": "k"}}});
        DeviceTaintRule.set_times(&mut object, None, "1");
        let old = object.clone();
        DeviceTaintRule.set_times(&mut object, Some(&old), "2");
        assert_eq!(object["spec"]["taint"]["timeAdded"], "1");
        object["spec"]["taint"]["effect"] = "NoExecute".into();
        DeviceTaintRule.set_times(&mut object, Some(&old), "3");
        assert_eq!(object["spec"]["taint"]["timeAdded"], "3");
    }
}
