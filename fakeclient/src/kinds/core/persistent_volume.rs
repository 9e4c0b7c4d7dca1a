//! `PersistentVolume`: the initial phase, and the time of the last phase transition.

use serde_json::{Value, json};

use crate::object::view::fields::{FieldAccess, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

const SINCE: &str = "lastPhaseTransitionTime";

/// `persistentvolumes`
#[derive(Debug)]
pub(crate) struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn set_times(&self, object: &mut Value, old: Option<&Value>, now: &str) {
        let before = old.map_or(&Value::Null, |old| &old["status"]);
        let status = object_mut(object, "status");
        if status.text("phase") != before.text("phase") && status.text(SINCE) == before.text(SINCE) {
            set(status, SINCE, now);
        }
    }
}

impl CreateStrategy for PersistentVolume {
    fn prepare_create(&self, object: &mut Value) {
        set(object, "status", json!({"phase": "Pending"}));
    }
}

impl UpdateStrategy for PersistentVolume {}
impl StatusStrategy for PersistentVolume {}
impl DeleteStrategy for PersistentVolume {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phase_transition_time_changes_with_the_phase_unless_set() {
        let mut volume = json!({});
        PersistentVolume.prepare_create(&mut volume);
        PersistentVolume.set_times(&mut volume, None, "1");
        assert_eq!(volume["status"], json!({"phase": "Pending", SINCE: "1"}));
        let old = volume.clone();
        PersistentVolume.set_times(&mut volume, Some(&old), "2");
        assert_eq!(volume, old);
        volume["status"]["phase"] = "Bound".into();
        PersistentVolume.set_times(&mut volume, Some(&old), "3");
        assert_eq!(volume["status"][SINCE], "3");
        volume["status"] = json!({"phase": "Failed", SINCE: "given"});
        PersistentVolume.set_times(&mut volume, Some(&old), "4");
        assert_eq!(volume["status"][SINCE], "given");
    }
}
