//! Objects for snapshot tests, without values that differ between runs.

use serde::Serialize;
use serde_json::{Map, Value};

const UID: &str = "[uid]";
const RESOURCE_VERSION: &str = "[resourceVersion]";
const CONTINUE: &str = "[continue]";
const TIME: &str = "[time]";

/// Times that an Event has outside of `metadata` and `status`.
const EVENT_TIMES: [&str; 5] =
    ["firstTimestamp", "lastTimestamp", "eventTime", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"];

/// An object, a list or any other value as JSON, without what differs from run to run and from server to server.
///
/// - `metadata.managedFields` is removed.
/// - `uid` and `resourceVersion` become `[uid]` and `[resourceVersion]`, also in owner references and in references to
///   objects, and a list's `continue` becomes `[continue]`.
/// - Times in `metadata`, in `status` (conditions included) and of Events become `[time]`.
///
/// Everything else stays, `metadata.generation`, `status.observedGeneration` and generated names included. Fields that are
/// absent stay absent, so a snapshot still shows whether a time was set. The result is the same if it is given to this
/// function again.
///
/// ```
/// use seatrial_fakeclient::stable;
/// use serde_json::json;
///
/// let object = json!({
///     "metadata": {
///         "name": "demo", "generation": 2, "resourceVersion": "4711",
///         "uid": "5f0cbd8e-5b7e-4a3c-9d55-0d7f7a0c2b61",
///         "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"manager": "kubectl"}],
///     },
///     "status": {"conditions": [{"type": "Ready", "lastTransitionTime": "2026-01-01T00:00:07Z"}]},
/// });
/// assert_eq!(stable(&object), json!({
///     "metadata": {
///         "name": "demo", "generation": 2, "resourceVersion": "[resourceVersion]",
///         "uid": "[uid]", "creationTimestamp": "[time]",
///     },
///     "status": {"conditions": [{"type": "Ready", "lastTransitionTime": "[time]"}]},
/// }));
/// ```
///
/// With [insta](https://docs.rs/insta), whose feature `yaml` this needs:
///
/// ```text
/// let deployment = deployments.get("demo").await?;
/// insta::assert_yaml_snapshot!(seatrial_fakeclient::stable(&deployment));
/// ```
///
/// Panics if the value cannot be written as JSON, which every object of the API can.
pub fn stable(value: &impl Serialize) -> Value {
    let mut json =
        serde_json::to_value(value).expect("a snapshot is made of a value that can be written as JSON");
    walk(&mut json, false);
    json
}

/// `times` is true if times are replaced here: in metadata and status, not in a spec.
fn walk(value: &mut Value, times: bool) {
    match value {
        Value::Object(fields) => walk_fields(fields, times),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, times)),
        Value::String(text) if times && is_time(text) => TIME.clone_into(text),
        _ => {}
    }
}

fn walk_fields(fields: &mut Map<String, Value>, times: bool) {
    let is_event = fields.contains_key("involvedObject") || fields.contains_key("regarding");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.remove("managedFields");
        replace(metadata, "continue", CONTINUE, |token| !token.is_empty());
    }
    replace(fields, "uid", UID, is_uid);
    replace(fields, "resourceVersion", RESOURCE_VERSION, |version| !version.is_empty());
    for (key, value) in fields {
        let of_event = is_event && EVENT_TIMES.contains(&key.as_str());
        // Annotations are user-defined text.
        let times =
            (times || of_event || matches!(key.as_str(), "metadata" | "status")) && key != "annotations";
        walk(value, times);
    }
}

fn replace(fields: &mut Map<String, Value>, key: &str, name: &str, varies: impl Fn(&str) -> bool) {
    if let Some(Value::String(text)) = fields.get_mut(key)
        && varies(text)
    {
        name.clone_into(text);
    }
}

/// RFC 4122's form; a user-defined `uid` of another form stays.
fn is_uid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_time(text: &str) -> bool {
    text.contains('T') && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, PostParams};
    use serde_json::json;

    use super::*;
    use crate::FakeCluster;

    const SOME_UID: &str = "5f0cbd8e-5b7e-4a3c-9d55-0d7f7a0c2b61";

    #[test]
    fn references_have_no_uids_and_versions() {
        let pod = json!({
            "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": SOME_UID}]},
            "spec": {"claimRef": {"name": "claim", "uid": SOME_UID, "resourceVersion": "12"}},
        });
        let expected = json!({
            "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "[uid]"}]},
            "spec": {"claimRef": {"name": "claim", "uid": "[uid]", "resourceVersion": "[resourceVersion]"}},
        });
        assert_eq!(stable(&pod), expected);
    }

    #[test]
    fn times_are_replaced_in_metadata_and_status_only() {
        let time = "2026-01-01T00:00:00.123456Z";
        let object = json!({
            "metadata": {"deletionTimestamp": time, "annotations": {"restartedAt": time}},
            "spec": {"notBefore": time},
            "status": {"startTime": time, "containers": [{"state": {"running": {"startedAt": time}}}], "phase": "Ready"},
        });
        let expected = json!({
            "metadata": {"deletionTimestamp": "[time]", "annotations": {"restartedAt": time}},
            "spec": {"notBefore": time},
            "status": {"startTime": "[time]", "containers": [{"state": {"running": {"startedAt": "[time]"}}}], "phase": "Ready"},
        });
        assert_eq!(stable(&object), expected);
    }

    #[test]
    fn times_of_an_event_are_replaced() {
        let event = json!({
            "involvedObject": {"name": "a", "uid": SOME_UID}, "firstTimestamp": "2026-01-01T00:00:00Z", "eventTime": null,
            "count": 2,
        });
        let expected = json!({
            "involvedObject": {"name": "a", "uid": "[uid]"}, "firstTimestamp": "[time]", "eventTime": null, "count": 2,
        });
        assert_eq!(stable(&event), expected);
    }

    #[test]
    fn similar_field_names_are_kept() {
        let object = json!({
            "data": {"uid": "1000", "created": "2026-01-01T00:00:00Z"},
            "metadata": {"generation": 7, "generateName": "web-", "name": "web-x7k2p", "resourceVersion": ""},
            "status": {"observedGeneration": 7, "version": "1.37.2"},
        });
        assert_eq!(stable(&object), object);
    }

    #[test]
    fn list_and_items_are_stable() {
        let item = json!({"metadata": {"resourceVersion": "3", "managedFields": []}});
        let list = json!({"metadata": {"resourceVersion": "9", "continue": "eyJ2Ijo"}, "items": [item]});
        let expected = json!({
            "metadata": {"resourceVersion": "[resourceVersion]", "continue": "[continue]"},
            "items": [{"metadata": {"resourceVersion": "[resourceVersion]"}}],
        });
        assert_eq!(stable(&list), expected);
        assert_eq!(stable(&stable(&list)), expected);
    }

    #[tokio::test]
    async fn snapshot_does_not_depend_on_the_seed() {
        let created = async |seed| {
            let cluster = FakeCluster::builder().seed(seed).build().unwrap();
            let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
            let map =
                serde_json::from_value(json!({"metadata": {"name": "a"}, "data": {"key": "1"}})).unwrap();
            maps.create(&PostParams::default(), &map).await.unwrap()
        };
        let (one, other) = (created(1).await, created(2).await);
        assert_ne!(one.metadata.uid, other.metadata.uid);
        assert_eq!(stable(&one), stable(&other));
    }
}
