//! Tells people what happened, as `events.k8s.io/v1` Events.
//!
//! An event's name is a function of what it says, not of when it was said: the same event told again finds
//! its first telling on the server and counts it up as a series, also after a restart. Telling is best
//! effort. An event that cannot be written is logged and never fails the work that it is about.

use std::sync::Arc;

use k8s_openapi::{
    api::{
        core::v1::ObjectReference,
        events::v1::{Event, EventSeries},
    },
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::clock::Clock;

/// Who tells; also the first word of every finalizer and label of this operator.
const REPORTER: &str = "fleet.seatrial.dev/operator";

/// The longest note that the server takes.
const MAX_NOTE: usize = 1024;

/// Whether somebody ought to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It went as it should.
    Normal,
    /// It did not.
    Warning,
}

impl Tone {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// One thing that happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    /// Whether somebody ought to look.
    pub(crate) tone: Tone,
    /// Why it happened, as one word.
    pub(crate) reason: &'static str,
    /// What was being done, as one word.
    pub(crate) action: &'static str,
    /// What happened, as a sentence.
    pub(crate) note: String,
}

/// Writes events with the time of the clock that it was made with.
#[derive(Clone)]
pub(crate) struct Recorder {
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// Tells what `happened` to the object `regarding`.
    pub(crate) async fn tell(&self, regarding: &ObjectReference, happened: Happening) {
        let reason = happened.reason;
        if let Err(error) = self.write(regarding, happened).await {
            let object = regarding.name.as_deref().unwrap_or_default();
            tracing::warn!(%error, object, reason, "an event could not be written");
        }
    }

    async fn write(&self, regarding: &ObjectReference, happened: Happening) -> kube::Result<()> {
        let namespace = regarding.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let now = MicroTime(self.clock.now());
        let event = event(regarding, happened, now.clone());
        match api.create(&PostParams::default(), &event).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let name = event.metadata.name.as_deref().expect("an event of ours has a name");
                self.count_up(&api, name, now).await
            }
            answer => answer.map(|_| ()),
        }
    }

    async fn count_up(&self, api: &Api<Event>, name: &str, now: MicroTime) -> kube::Result<()> {
        let Some(told) = api.get_opt(name).await? else {
            // It expired between the two requests: as good as never told, and the next time tells it anew.
            return Ok(());
        };
        let count = told.series.map_or(2, |series| series.count.saturating_add(1));
        let series = EventSeries { count, last_observed_time: now };
        let patch = json!({
            "metadata": {"resourceVersion": told.metadata.resource_version},
            "series": series,
        });
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.map(|_| ())
    }
}

fn event(regarding: &ObjectReference, happened: Happening, now: MicroTime) -> Event {
    Event {
        metadata: ObjectMeta {
            name: Some(name_of(regarding, &happened)),
            namespace: regarding.namespace.clone(),
            ..ObjectMeta::default()
        },
        event_time: Some(now),
        reporting_controller: Some(REPORTER.to_owned()),
        reporting_instance: Some(REPORTER.replace('/', "-")),
        action: Some(happened.action.to_owned()),
        reason: Some(happened.reason.to_owned()),
        regarding: Some(ObjectReference { resource_version: None, ..regarding.clone() }),
        note: Some(shortened(happened.note)),
        type_: Some(happened.tone.as_str().to_owned()),
        ..Event::default()
    }
}

/// The object's name, cut so that the whole fits a name, and a digest of everything that makes events differ.
fn name_of(regarding: &ObjectReference, happened: &Happening) -> String {
    let object = regarding.name.as_deref().unwrap_or("unnamed");
    let cut: String = object.chars().take(230).collect();
    let parts = [
        regarding.kind.as_deref().unwrap_or_default(),
        regarding.uid.as_deref().unwrap_or_default(),
        happened.tone.as_str(),
        happened.reason,
        happened.action,
        &happened.note,
    ];
    format!("{}.{:016x}", cut.trim_end_matches(['.', '-']), digest(&parts))
}

/// FNV-1a over the parts, each closed by a byte that UTF-8 never uses. The same in every process and release.
fn digest(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn shortened(mut note: String) -> String {
    if note.len() > MAX_NOTE {
        let end = (0..=MAX_NOTE - 3).rev().find(|&end| note.is_char_boundary(end)).unwrap_or(0);
        note.truncate(end);
        note.push_str("...");
    }
    note
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ObjectReference;

    use super::{Happening, MAX_NOTE, Tone, digest, name_of, shortened};

    fn machine(uid: &str) -> ObjectReference {
        ObjectReference {
            kind: Some("Machine".into()),
            name: Some("blue-1".into()),
            uid: Some(uid.into()),
            ..ObjectReference::default()
        }
    }

    fn running(note: &str) -> Happening {
        Happening { tone: Tone::Normal, reason: "Running", action: "Provision", note: note.into() }
    }

    #[test]
    fn the_same_event_told_again_has_the_same_name() {
        assert_eq!(name_of(&machine("u"), &running("it runs")), name_of(&machine("u"), &running("it runs")));
    }

    #[test]
    fn events_that_say_something_else_have_other_names() {
        let name = name_of(&machine("u"), &running("it runs"));
        assert_ne!(name, name_of(&machine("u"), &running("it walks")));
        assert_ne!(name, name_of(&machine("v"), &running("it runs")));
    }

    #[test]
    fn the_digest_keeps_parts_apart() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }

    #[test]
    fn a_name_is_never_too_long() {
        let object = ObjectReference { name: Some("a".repeat(253)), ..machine("u") };
        assert!(name_of(&object, &running("it runs")).len() <= 253);
    }

    #[test]
    fn a_long_note_is_cut_between_characters() {
        let note = shortened("ü".repeat(MAX_NOTE));
        assert!(note.len() <= MAX_NOTE && note.ends_with("ü..."), "{}", note.len());
    }
}
