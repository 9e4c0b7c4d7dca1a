//! Cells of `PersistentVolume` and `PersistentVolumeClaim`, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, list, text, text_or};

/// Name, status, volume, capacity, access modes, class, attributes class, age, mode.
pub(super) fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let volume = text(object, &["spec", "volumeName"]);
    let (capacity, modes) = if volume.is_empty() {
        ("", String::new())
    } else {
        let capacity = text_or(object, &["status", "capacity", "storage"], "0");
        (capacity, access_modes(list(object, &["status", "accessModes"])))
    };
    vec![
        metadata::name(object).into(),
        phase(object).into(),
        volume.into(),
        capacity.into(),
        modes.into(),
        class(object).into(),
        text_or(object, &["spec", "volumeAttributesClassName"], "<unset>").into(),
        age::of(object, now).into(),
        text_or(object, &["spec", "volumeMode"], "<unset>").into(),
    ]
}

/// Name, capacity, access modes, reclaim policy, status, claim, class, attributes class, reason, age, mode.
pub(super) fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let claim = at(object, &["spec", "claimRef"])
        .map_or(String::new(), |claim| format!("{}/{}", text(claim, &["namespace"]), text(claim, &["name"])));
    vec![
        metadata::name(object).into(),
        text_or(object, &["spec", "capacity", "storage"], "0").into(),
        access_modes(list(object, &["spec", "accessModes"])).into(),
        text(object, &["spec", "persistentVolumeReclaimPolicy"]).into(),
        phase(object).into(),
        claim.into(),
        class(object).into(),
        text_or(object, &["spec", "volumeAttributesClassName"], "<unset>").into(),
        text(object, &["status", "reason"]).into(),
        age::of(object, now).into(),
        text_or(object, &["spec", "volumeMode"], "<unset>").into(),
    ]
}

fn phase(object: &Value) -> &str {
    if metadata::is_deleting(object) { "Terminating" } else { text(object, &["status", "phase"]) }
}

/// The storage class from the deprecated annotation or the field.
fn class(object: &Value) -> &str {
    let annotated = text(object, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]);
    if annotated.is_empty() { text(object, &["spec", "storageClassName"]) } else { annotated }
}

/// Abbreviated access modes in the server's order.
fn access_modes(modes: &[Value]) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let short = SHORT.iter().filter(|(mode, _)| modes.iter().any(|found| found == mode));
    short.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bound_claim_has_a_capacity_cell() {
        let now = "2026-11-22T18:36:21Z".parse().unwrap();
        let mut object = json!({
            "metadata": {"name": "c", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"storageClassName": "fast", "volumeMode": "Filesystem"},
            "status": {"phase": "Pending", "accessModes": ["ReadWriteMany", "ReadWriteOnce"], "capacity": {"storage": "1Gi"}},
        });
        let cells = ["c", "Pending", "", "", "", "fast", "<unset>", "17m", "Filesystem"];
        assert_eq!(claim(&object, now), cells.map(Value::from));
        object["spec"]["volumeName"] = "v".into();
        object["status"]["phase"] = "Bound".into();
        let cells = ["c", "Bound", "v", "1Gi", "RWO,RWX", "fast", "<unset>", "17m", "Filesystem"];
        assert_eq!(claim(&object, now), cells.map(Value::from));
    }
}
