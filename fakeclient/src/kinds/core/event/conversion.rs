//! Conversion of Events between core `v1`, which is stored, and `events.k8s.io/v1`: renamed fields, and omitted empty
//! strings (kube-apiserver 1.37).

use serde_json::{Map, Value};

use crate::kinds::defaults;

/// Field of the core Event → field of `events.k8s.io/v1`.
const EVENT: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Strings that `events.k8s.io/v1` omits when they are empty.
const OPTIONAL: [&str; 2] = ["reportingController", "reportingInstance"];

/// Converts a stored core Event to `events.k8s.io/v1`.
pub(super) fn to_served(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    for (core, own) in EVENT {
        rename(fields, core, own);
    }
    for optional in OPTIONAL {
        if fields.get(optional).is_some_and(|text| text == "") {
            fields.remove(optional);
        }
    }
}

/// Converts an Event of `events.k8s.io/v1` to a core Event, with the defaults of the core version.
pub(super) fn to_stored(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    for (core, own) in EVENT {
        rename(fields, own, core);
    }
    defaults::apply("io.k8s.api.core.v1.Event", object);
}

fn rename(fields: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = fields.remove(from) {
        fields.insert(to.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::registry::conversion;

    #[test]
    fn event_of_events_group_round_trips_through_core() {
        let resource = crate::kinds::registry().resource("events.k8s.io", "v1", "events").unwrap();
        let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "hello",
            "regarding": {"kind": "Pod"}, "reportingController": "example.com/c",
            "deprecatedSource": {}, "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null});
        let stored = conversion::stored(&resource, event.clone()).unwrap();
        let expected = json!({"apiVersion": "v1", "kind": "Event", "message": "hello",
            "involvedObject": {"kind": "Pod"}, "reportingComponent": "example.com/c", "reportingInstance": "",
            "source": {}, "eventTime": null, "firstTimestamp": null, "lastTimestamp": null});
        assert_eq!(stored, expected);
        let mut served = conversion::served(&resource, &stored).unwrap().into_owned();
        // Once stored, `events.k8s.io/v1` prints this field, too.
        assert_eq!(served.as_object_mut().unwrap().remove("eventTime"), Some(json!(null)));
        assert_eq!(served, event);
    }

    #[test]
    fn empty_core_strings_are_omitted_in_events_group() {
        let resource = crate::kinds::registry().resource("events.k8s.io", "v1", "events").unwrap();
        let stored = json!({"apiVersion": "v1", "kind": "Event", "reportingComponent": "",
            "reportingInstance": "", "count": 3});
        let served = conversion::served(&resource, &stored).unwrap();
        assert_eq!(*served, json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "deprecatedCount": 3}));
    }
}
