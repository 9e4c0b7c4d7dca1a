//! Publication of `events.k8s.io/v1` Events.
//!
//! Replaces `kube::runtime::events::Recorder`, which puts the wall clock's nanoseconds into the names of Events and
//! remembers repetitions in memory. Here the name is a digest of the content: a repeated Event is found by its name and
//! becomes a series, also after a restart, and two runs with the same clock create the same objects.

use std::sync::Arc;

use k8s_openapi::{
    api::{
        core::v1::ObjectReference,
        events::v1::{Event as K8sEvent, EventSeries},
    },
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
    runtime::events::{Event, EventType},
};
use serde_json::json;

use crate::clock::Clock;

const REPORTING_CONTROLLER: &str = "fleet.seatrial.dev/operator";

/// The API server's limit for the length of a note, in bytes.
const MAX_NOTE_LENGTH: usize = 1024;

/// A publisher of Events with the time of a [`Clock`].
#[derive(Clone)]
pub(crate) struct Recorder {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// Creates the Event, or increments the series of an equal one. A failure is logged only.
    pub(crate) async fn publish(&self, event: &Event, regarding: &ObjectReference) {
        if let Err(error) = self.create_or_count(event, regarding).await {
            let object = regarding.name.as_deref().unwrap_or_default();
            tracing::warn!(%error, object, reason = event.reason, "an event could not be written");
        }
    }

    async fn create_or_count(&self, event: &Event, regarding: &ObjectReference) -> kube::Result<()> {
        let namespace = regarding.namespace.as_deref().unwrap_or("default");
        let api: Api<K8sEvent> = Api::namespaced(self.client.clone(), namespace);
        let now = MicroTime(self.clock.now());
        let object = event_object(event, regarding, now.clone());
        match api.create(&PostParams::default(), &object).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let name = object.metadata.name.as_deref().expect("event_object sets a name");
                self.increment_series(&api, name, now).await
            }
            result => result.map(|_| ()),
        }
    }

    async fn increment_series(&self, api: &Api<K8sEvent>, name: &str, now: MicroTime) -> kube::Result<()> {
        let Some(existing) = api.get_opt(name).await? else {
            // It expired between the two requests. The next repetition creates it again.
            return Ok(());
        };
        let count = existing.series.map_or(2, |series| series.count.saturating_add(1));
        let series = EventSeries { count, last_observed_time: now };
        let patch = json!({
            "metadata": {"resourceVersion": existing.metadata.resource_version},
            "series": series,
        });
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.map(|_| ())
    }
}

fn event_object(event: &Event, regarding: &ObjectReference, now: MicroTime) -> K8sEvent {
    K8sEvent {
        metadata: ObjectMeta {
            name: Some(event_name(event, regarding)),
            namespace: regarding.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(now),
        reporting_controller: Some(REPORTING_CONTROLLER.to_owned()),
        reporting_instance: Some(REPORTING_CONTROLLER.replace('/', "-")),
        action: Some(event.action.clone()),
        reason: Some(event.reason.clone()),
        regarding: Some(ObjectReference { resource_version: None, ..regarding.clone() }),
        note: event.note.clone().map(truncate_note),
        type_: Some(type_name(event.type_).to_owned()),
        ..K8sEvent::default()
    }
}

/// The name of the object, cut to keep within the limit of 253 characters, and a digest of the Event's content.
fn event_name(event: &Event, regarding: &ObjectReference) -> String {
    let object = regarding.name.as_deref().unwrap_or("unnamed");
    let prefix: String = object.chars().take(230).collect();
    let parts = [
        regarding.kind.as_deref().unwrap_or_default(),
        regarding.uid.as_deref().unwrap_or_default(),
        type_name(event.type_),
        &event.reason,
        &event.action,
        event.note.as_deref().unwrap_or_default(),
    ];
    format!("{}.{:016x}", prefix.trim_end_matches(['.', '-']), digest(&parts))
}

fn type_name(type_: EventType) -> &'static str {
    match type_ {
        EventType::Normal => "Normal",
        EventType::Warning => "Warning",
    }
}

/// FNV-1a over the parts, each terminated by a byte that UTF-8 does not use. Stable across processes and releases.
fn digest(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn truncate_note(mut note: String) -> String {
    if note.len() > MAX_NOTE_LENGTH {
        let end = (0..=MAX_NOTE_LENGTH - 3).rev().find(|&end| note.is_char_boundary(end)).unwrap_or(0);
        note.truncate(end);
        note.push_str("...");
    }
    note
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ObjectReference;
    use kube::runtime::events::{Event, EventType};

    use super::{MAX_NOTE_LENGTH, digest, event_name, truncate_note};

    fn machine(uid: &str) -> ObjectReference {
        ObjectReference {
            kind: Some("Machine".into()),
            name: Some("blue-1".into()),
            uid: Some(uid.into()),
            ..ObjectReference::default()
        }
    }

    fn running(note: &str) -> Event {
        Event {
            type_: EventType::Normal,
            reason: "Running".into(),
            note: Some(note.into()),
            action: "Provision".into(),
            secondary: None,
        }
    }

    #[test]
    fn equal_events_have_equal_names() {
        assert_eq!(
            event_name(&running("it runs"), &machine("u")),
            event_name(&running("it runs"), &machine("u"))
        );
    }

    #[test]
    fn events_with_another_note_or_object_have_other_names() {
        let name = event_name(&running("it runs"), &machine("u"));
        assert_ne!(name, event_name(&running("it walks"), &machine("u")));
        assert_ne!(name, event_name(&running("it runs"), &machine("v")));
    }

    #[test]
    fn the_digest_separates_parts() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn the_name_of_an_event_is_at_most_253_characters_long() {
        let object = ObjectReference { name: Some("a".repeat(253)), ..machine("u") };
        assert!(event_name(&running("it runs"), &object).len() <= 253);
    }

    #[test]
    fn a_long_note_is_truncated_between_characters() {
        let note = truncate_note("ü".repeat(MAX_NOTE_LENGTH));
        assert!(note.len() <= MAX_NOTE_LENGTH && note.ends_with("ü..."), "{}", note.len());
    }
}
