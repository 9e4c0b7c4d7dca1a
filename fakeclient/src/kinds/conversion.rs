//! Built-in kinds that are served in another form than the one that is stored.
//!
//! Events are one storage with two faces (kube-apiserver 1.37): `events.k8s.io/v1` renames fields of the core form and
//! drops empty texts that the core form always prints.

use serde_json::{Map, Value};

use super::conversion_autoscaler;
use super::defaults;
use crate::error::ApiError;
use crate::object::schema::shape::Shape;
use crate::registry::resource::Resource;

/// Field of the core Event, field of `events.k8s.io/v1`.
const EVENT: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Texts that `events.k8s.io/v1` leaves out when they are empty.
const OPTIONAL: [&str; 2] = ["reportingController", "reportingInstance"];

/// A stored object, already under the served `apiVersion`, with the served version's fields.
pub(crate) fn served(resource: &Resource, object: &mut Value) -> Result<(), ApiError> {
    if is_autoscaler(resource) {
        return conversion_autoscaler::served(object);
    }
    let Some(fields) = event(resource, object)? else { return Ok(()) };
    for (core, own) in EVENT {
        rename(fields, core, own);
    }
    for optional in OPTIONAL {
        if fields.get(optional).is_some_and(|text| text == "") {
            fields.remove(optional);
        }
    }
    Ok(())
}

/// A served object, already under the stored `apiVersion`, with the stored version's fields and defaults.
pub(crate) fn stored(resource: &Resource, object: &mut Value) -> Result<(), ApiError> {
    if is_autoscaler(resource) {
        return conversion_autoscaler::stored(object);
    }
    let Some(fields) = event(resource, object)? else { return Ok(()) };
    for (core, own) in EVENT {
        rename(fields, own, core);
    }
    defaults::apply("io.k8s.api.core.v1.Event", object);
    Ok(())
}

fn is_autoscaler(resource: &Resource) -> bool {
    matches!(resource.shape, Shape::Builtin { .. }) && resource.storage.key == conversion_autoscaler::KEY
}

/// The fields of an Event; an error for a built-in whose other form is not modelled.
fn event<'o>(
    resource: &Resource,
    object: &'o mut Value,
) -> Result<Option<&'o mut Map<String, Value>>, ApiError> {
    if !matches!(resource.shape, Shape::Builtin { .. }) {
        return Ok(None);
    }
    if resource.storage.key != "events" {
        let what = format!("{} in {}", resource.kind, resource.api_version());
        return Err(ApiError::not_modelled(&what));
    }
    Ok(object.as_object_mut())
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
    use crate::registry::lookup::Registry;

    #[test]
    fn an_event_of_the_newer_group_reads_as_a_core_event() {
        let resource = Registry::new().resource("events.k8s.io", "v1", "events").unwrap();
        let event = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "hello",
            "regarding": {"kind": "Pod"}, "reportingController": "example.com/c",
            "deprecatedSource": {}, "deprecatedFirstTimestamp": null, "deprecatedLastTimestamp": null});
        let stored = conversion::stored(&resource, None, event.clone()).unwrap();
        let expected = json!({"apiVersion": "v1", "kind": "Event", "message": "hello",
            "involvedObject": {"kind": "Pod"}, "reportingComponent": "example.com/c", "reportingInstance": "",
            "source": {}, "eventTime": null, "firstTimestamp": null, "lastTimestamp": null});
        assert_eq!(stored, expected);
        let mut served = conversion::served(&resource, None, &stored).unwrap().into_owned();
        // Printed by the newer form too, once it is stored.
        assert_eq!(served.as_object_mut().unwrap().remove("eventTime"), Some(json!(null)));
        assert_eq!(served, event);
    }

    #[test]
    fn an_empty_text_of_a_core_event_is_left_out_in_the_newer_group() {
        let resource = Registry::new().resource("events.k8s.io", "v1", "events").unwrap();
        let stored = json!({"apiVersion": "v1", "kind": "Event", "reportingComponent": "",
            "reportingInstance": "", "count": 3});
        let served = conversion::served(&resource, None, &stored).unwrap();
        assert_eq!(*served, json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "deprecatedCount": 3}));
    }
}
