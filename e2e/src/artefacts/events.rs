//! Collector of Events of the spec's namespaces and of cluster-scoped objects, ordered by time.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, ObjectReference};
use kube::Api;
use kube::api::ListParams;

use crate::artefacts::{ArtefactWriter, Collector, FailureScene};
use crate::failure::sentence;

/// Namespace of Events about cluster-scoped objects.
const OF_THE_CLUSTER: &str = "default";

/// Writes `events.txt`.
pub(crate) struct Events;

impl Collector for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        collect(scene, writer).boxed_local()
    }
}

async fn collect(scene: &FailureScene, writer: &ArtefactWriter) -> Result<(), String> {
    let Some(client) = &scene.client else { return Ok(()) };
    let mut events = Vec::new();
    for namespace in scene.namespaces.iter().map(String::as_str).chain([OF_THE_CLUSTER]) {
        let api: Api<Event> = Api::namespaced(client.clone(), namespace);
        match api.list(&ListParams::default()).await {
            Ok(list) => events.extend(list.items),
            Err(error) => writer.note_missing(&format!("events of namespace {namespace}"), &sentence(&error)),
        }
    }
    // The cluster's own go on from spec to spec: those from before this one are another's.
    events.retain(|event| !of_the_cluster(event) || last_seen(event).is_none_or(|at| at >= scene.since));
    // Events of one second are told in the order in which they were written.
    events.sort_by_key(|event| (last_seen(event), revision(event)));
    let lines: Vec<_> = events.iter().map(|event| line(event, scene.since)).collect();
    writer.write("events", "events.txt", lines.concat())
}

fn of_the_cluster(event: &Event) -> bool {
    event.metadata.namespace.as_deref() == Some(OF_THE_CLUSTER)
}

/// When it happened last, whichever of its fields says so.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series =
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().or(event.first_timestamp.as_ref()).map(|time| time.0);
    let event_time = event.event_time.as_ref().map(|time| time.0);
    series.or(last).or(event_time).or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

fn revision(event: &Event) -> u64 {
    event.metadata.resource_version.as_deref().and_then(|revision| revision.parse().ok()).unwrap_or_default()
}

/// `2026-01-01T00:00:02Z  +2.000s  Warning  ProvisioningFailed  Machine demo/a  no capacity  (3 times)`.
fn line(event: &Event, since: Timestamp) -> String {
    let at = last_seen(event);
    let time = at.map_or_else(|| "(no time)".into(), |at| at.to_string());
    let after = at.map(|at| format!("{:+.3}s", at.duration_since(since).as_secs_f64())).unwrap_or_default();
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let times = event.series.as_ref().and_then(|series| series.count).or(event.count).unwrap_or(1);
    let times = if times > 1 { format!("  ({times} times)") } else { String::new() };
    format!(
        "{time}  {after}  {}  {}  {}  {}{times}\n",
        or_empty(&event.type_),
        or_empty(&event.reason),
        object(&event.involved_object),
        or_empty(&event.message).replace('\n', "\n    "),
    )
}

fn object(reference: &ObjectReference) -> String {
    let kind = reference.kind.as_deref().unwrap_or("object");
    let name = reference.name.as_deref().unwrap_or_default();
    crate::display::object_label(kind, reference.namespace.as_deref(), name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(fields: Value) -> Event {
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn an_event_s_time_is_the_last_one_that_it_has() {
        let at = |fields: Value| last_seen(&event(fields)).map(|at| at.to_string());
        let (first, last) = ("2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z");
        let base = json!({"metadata": {"creationTimestamp": first}, "involvedObject": {}});
        let with = |key: &str, value: Value| {
            let mut fields = base.clone();
            fields[key] = value;
            at(fields).unwrap()
        };
        assert_eq!(with("lastTimestamp", last.into()), last);
        assert_eq!(with("eventTime", json!("2026-01-01T00:00:09.5Z")), "2026-01-01T00:00:09.5Z");
        let series = json!({"count": 2, "lastObservedTime": "2026-01-01T00:00:09.000000Z"});
        assert_eq!(with("series", series), last);
        assert_eq!(with("reason", "Created".into()), first);
        assert_eq!(at(json!({"metadata": {}, "involvedObject": {}})), None);
    }

    #[test]
    fn a_line_tells_when_what_about_whom_and_how_often() {
        let event = event(json!({
            "metadata": {}, "type": "Warning", "reason": "ProvisioningFailed", "message": "no capacity", "count": 3,
            "lastTimestamp": "2026-01-01T00:00:02Z",
            "involvedObject": {"kind": "Machine", "namespace": "demo", "name": "a"},
        }));
        assert_eq!(
            line(&event, "2026-01-01T00:00:00Z".parse().unwrap()),
            "2026-01-01T00:00:02Z  +2.000s  Warning  ProvisioningFailed  Machine demo/a  no capacity  (3 times)\n"
        );
    }
}
