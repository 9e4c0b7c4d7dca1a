//! Matcher of ready replicas, for every kind that counts them.

use serde::Serialize;
use serde_json::Value;

use crate::display::to_json;
use crate::expect::{Matcher, Mismatch};
use crate::managed_fields::FieldCursor;

/// Made by [`have_ready_replicas`].
pub struct HaveReadyReplicas(i64);

/// Matches objects with this number of ready replicas, by their controller's current status: `Deployment`,
/// `ReplicaSet`, `StatefulSet` and kinds of one's own by `status.readyReplicas`, `DaemonSet` by `status.numberReady`. A status of an
/// older generation does not count, where the status says of which one it is.
pub fn have_ready_replicas(count: i64) -> HaveReadyReplicas {
    HaveReadyReplicas(count)
}

impl<T: Serialize> Matcher<T> for HaveReadyReplicas {
    fn expected(&self) -> String {
        format!("have {} ready replicas", self.0)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let Some(actual) = actual else { return Err(Mismatch::absent()) };
        let object = to_json(actual);
        let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
        let (now, seen) = (number("/metadata/generation"), number("/status/observedGeneration"));
        if let (Some(now), Some(seen)) = (now, seen)
            && seen < now
        {
            return Err(Mismatch::new(format!("its status is about generation {seen}, and it is at {now}")));
        }
        // Kubernetes leaves out what is zero.
        let ready = number("/status/readyReplicas").or(number("/status/numberReady")).unwrap_or(0);
        if ready == self.0 {
            return Ok(());
        }
        let field = if number("/status/readyReplicas").is_some() { "readyReplicas" } else { "numberReady" };
        let written = FieldCursor::default().at(&object).field("status").field(field).last_written();
        let wanted = number("/spec/replicas").or(number("/status/desiredNumberScheduled"));
        let of = wanted.map(|wanted| format!(" of {wanted}")).unwrap_or_default();
        Err(Mismatch::new(format!("{ready}{of} are ready{written}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(object: &Value, expected: Result<(), &str>) {
        let result = have_ready_replicas(3).check(Some(object)).map_err(|mismatch| mismatch.why().to_owned());
        assert_eq!(result, expected.map_err(str::to_owned));
    }

    #[test]
    fn the_status_must_say_that_so_many_are_ready() {
        check(&json!({"status": {"readyReplicas": 3}}), Ok(()));
        check(&json!({"status": {"numberReady": 3}}), Ok(()));
        check(&json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}), Err("2 of 3 are ready"));
        check(&json!({"spec": {"replicas": 3}}), Err("0 of 3 are ready"));
        let entry = json!({"manager": "bosun", "operation": "Update", "fieldsV1": {"f:status": {"f:readyReplicas": {}}}});
        let managed = json!({"metadata": {"managedFields": [entry]}, "status": {"readyReplicas": 1}});
        check(&managed, Err("1 are ready (last written by bosun, Update)"));
    }

    #[test]
    fn a_status_of_an_older_generation_does_not_count() {
        let old =
            json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1, "readyReplicas": 3}});
        check(&old, Err("its status is about generation 1, and it is at 2"));
    }

    #[test]
    fn none_can_be_what_is_wanted_and_an_absent_object_has_not_even_that() {
        assert_eq!(have_ready_replicas(0).check(Some(&json!({}))), Ok(()));
        assert!(have_ready_replicas(0).check(None::<&Value>).unwrap_err().is_absent());
    }
}
