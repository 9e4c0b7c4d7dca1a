//! Changes of a namespace's objects on a spec's timeline, by list and watch of every kind, also of kinds defined
//! later.
//!
//! It only looks. What it cannot watch it leaves out: the failure's own evidence asks again and says why. A spec that
//! has no report has no feed.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::unbounded;
use futures::future::{AbortHandle, abortable};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::{DynamicObject, TypeMeta};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::artefacts::definitions::{self, DefinitionChange};
use crate::artefacts::kinds::{self, DiscoveredKind};
use crate::display::{FieldChange, changes, text_difference, yaml};
use crate::managed_fields::FieldCursor;
use crate::redaction::Redactor;
use crate::redaction::mask;
use crate::report::{Change, Moment, MomentKind, ObjectChange, Timeline};

/// A pause after a watch that failed or ended at once.
const PAUSE: Duration = Duration::from_secs(1);

/// Number of requests for a kind that was defined a moment ago.
const PATIENCE: u32 = 10;

/// Objects that every namespace has.
const GIVEN: [(&str, &str); 2] = [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")];

/// Fields whose changes alone are not shown.
const SILENT: [&str; 2] = ["metadata.resourceVersion", "metadata.generation"];

/// A running feed. Dropping it ends it, too, but does not wait for that.
pub(crate) struct NamespaceFeed(JoinHandle<()>);

impl NamespaceFeed {
    /// Begins to watch a namespace; must be called on a spec's own runtime. `since` is the attempt's start by the
    /// cluster's clock: older objects are not shown as new.
    pub(crate) fn start(
        client: Client,
        namespace: &str,
        since: Timestamp,
        timeline: Arc<Timeline>,
        redactor: Arc<Redactor>,
    ) -> Self {
        let namespace = namespace.to_owned();
        Self(tokio::task::spawn_local(async move {
            let Ok(kinds) = kinds::discover(&client).await else { return };
            let follow = |kind: DiscoveredKind, patience| {
                let api = kind.api(&client, &namespace);
                let (timeline, redactor) = (Arc::clone(&timeline), Arc::clone(&redactor));
                let known = KindFeed { kind, since, timeline, redactor, patience, objects: BTreeMap::new() };
                known.follow(api)
            };
            let kinds: Vec<_> = kinds.into_iter().filter(|kind| kind.namespaced).collect();
            let names = kinds.iter().map(DiscoveredKind::file_stem).collect();
            let (tell, told) = unbounded();
            let (mut definitions, mut told) =
                (pin!(definitions::follow(client.clone(), names, tell).fuse()), told.fuse());
            let (mut following, mut handles) = (FuturesUnordered::new(), BTreeMap::new());
            let begin = |following: &FuturesUnordered<_>, kind: DiscoveredKind, patience| {
                let name = kind.file_stem();
                let (work, handle) = abortable(follow(kind, patience));
                following.push(work);
                (name, handle)
            };
            handles.extend(kinds.into_iter().map(|kind| begin(&following, kind, 0)));
            loop {
                futures::select! {
                    () = definitions => return,
                    definition = told.select_next_some() => match definition {
                        DefinitionChange::Comes(kind) => handles.extend([begin(&following, kind, PATIENCE)]),
                        DefinitionChange::Goes(name) => {
                            handles.remove(&name).inspect(AbortHandle::abort);
                        }
                    },
                    _ended = following.select_next_some() => {}
                }
            }
        }))
    }

    /// Ends it: later changes are not recorded.
    pub(crate) async fn stop(mut self) {
        self.0.abort();
        // Only its being cancelled is an error here.
        drop((&mut self.0).await);
    }
}

impl Drop for NamespaceFeed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One kind's objects as they were last recorded.
struct KindFeed {
    kind: DiscoveredKind,
    since: Timestamp,
    timeline: Arc<Timeline>,
    redactor: Arc<Redactor>,
    /// Number of retries while the server does not serve the kind, which follows a moment after its definition.
    patience: u32,
    objects: BTreeMap<String, Value>,
}

impl KindFeed {
    async fn follow(mut self, api: Api<DynamicObject>) {
        loop {
            match api.list(&ListParams::default()).await {
                Ok(list) => {
                    let mut revision = list.metadata.resource_version.unwrap_or_default();
                    for object in list.items {
                        self.listed(object);
                    }
                    while self.watch(&api, &mut revision).await {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(kube::Error::Api(status)) if status.code == 404 && self.patience > 0 => {
                    self.patience -= 1;
                }
                // Not there any more, or not for our eyes: it will not be otherwise in a moment.
                Err(kube::Error::Api(status)) if matches!(status.code, 403..=405) => return,
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Watches until the watch ends; whether it can be taken up again from the revision.
    async fn watch(&mut self, api: &Api<DynamicObject>, revision: &mut String) -> bool {
        let Ok(stream) = api.watch(&WatchParams::default(), revision).await else { return false };
        let mut stream = std::pin::pin!(stream);
        while let Some(Ok(event)) = stream.next().await {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    advance(revision, &object);
                    self.now(object);
                }
                WatchEvent::Deleted(object) => {
                    advance(revision, &object);
                    self.gone(&object);
                }
                WatchEvent::Bookmark(bookmark) => revision.clone_from(&bookmark.metadata.resource_version),
                WatchEvent::Error(_) => return false,
            }
        }
        true
    }

    /// An object that a list shows. What was there before the attempt began is where changes are counted from.
    fn listed(&mut self, object: DynamicObject) {
        let seconds = |time: Timestamp| time.as_second();
        let older = object.creation_timestamp().is_some_and(|at| seconds(at.0) < seconds(self.since));
        let given = GIVEN.contains(&(self.kind.resource.kind.as_str(), &object.name_any()));
        if (older || given) && !self.objects.contains_key(&object.name_any()) {
            self.objects.insert(object.name_any(), self.raw(object));
        } else {
            self.now(object);
        }
    }

    /// An object as it is now.
    fn now(&mut self, object: DynamicObject) {
        let (name, revision) = (object.name_any(), object.resource_version().unwrap_or_default());
        let after = self.raw(object);
        let before = self.objects.insert(name.clone(), after.clone());
        if self.kind.is_event() {
            return self.timeline.push_written(event(&after), &revision);
        }
        let (change, text, detail) = match &before {
            Some(before) => match difference(&self.kind.resource.kind, before, &after) {
                Some((text, detail)) => (Change::Modified, text, detail),
                None => return,
            },
            None => (Change::Added, "appears".to_owned(), yaml(&shown(&self.kind.resource.kind, &after))),
        };
        self.record(change, name, &revision, text, detail);
    }

    /// As JSON. The items of a list do not say what they are.
    fn raw(&self, mut object: DynamicObject) -> Value {
        let resource = &self.kind.resource;
        object.types =
            Some(TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() });
        let json = serde_json::to_value(object).expect("an object that came as JSON can be written as JSON");
        if resource.kind == "Secret" {
            self.redactor.add_secret(&json);
        }
        json
    }

    fn gone(&mut self, object: &DynamicObject) {
        let (name, revision) = (object.name_any(), object.resource_version().unwrap_or_default());
        if self.objects.remove(&name).is_some() && !self.kind.is_event() {
            self.record(Change::Deleted, name, &revision, "is gone".into(), String::new());
        }
    }

    fn record(&self, change: Change, name: String, revision: &str, text: String, detail: String) {
        let object = ObjectChange { kind: self.kind.label(), name, change, revision: revision.to_owned() };
        let moment =
            Moment { kind: MomentKind::Watch, text, detail, object: Some(object), ..Moment::default() };
        self.timeline.push_written(moment, revision);
    }
}

fn advance(revision: &mut String, object: &DynamicObject) {
    if let Some(newer) = object.resource_version() {
        *revision = newer;
    }
}

/// Without a Secret's values.
fn shown(kind: &str, object: &Value) -> Value {
    let mut object = object.clone();
    mask(kind, &mut object);
    object
}

/// The change in one line, and as a difference of texts with the managers of the fields that differ; nothing where
/// nothing is worth telling.
fn difference(kind: &str, before: &Value, after: &Value) -> Option<(String, String)> {
    let (old, new) = (shown(kind, before), shown(kind, after));
    let mut fields: Vec<_> =
        changes(&old, &new).into_iter().filter(|change| !SILENT.contains(&change.path.as_str())).collect();
    // What somebody wants and what is say more than what is noted about it.
    fields.sort_by_key(|change| change.path.starts_with("metadata."));
    let Some(first) = fields.first() else {
        let masked = kind == "Secret" && (before["data"] != after["data"]);
        let by = || FieldCursor::default().at(after).field("data").by();
        return masked.then(|| (format!("a masked value changed{}", by()), String::new()));
    };
    let more = if fields.len() > 1 { format!(" (and {} more)", fields.len() - 1) } else { String::new() };
    let detail = format!("{}{}", text_difference(&yaml(&old), &yaml(&new)), written(&fields));
    Some((format!("{first}{more}"), detail))
}

/// The fields that each manager has written: `written by my-operator, Update, /status: status.phase, status.node`.
fn written(fields: &[FieldChange]) -> String {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for field in fields.iter().filter(|field| !field.managers.is_empty()) {
        by.entry(field.managers.join("; ")).or_default().push(&field.path);
    }
    let lines = by.iter().map(|(managers, paths)| format!("written by {managers}: {}", paths.join(", ")));
    lines.fold(String::new(), |text, line| text + "\n" + &line)
}

/// `Warning ProvisioningFailed: no capacity`, about an object.
fn event(event: &Value) -> Moment {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let warning = text("/type") == "Warning";
    let about = format!("{} {}", text("/involvedObject/kind"), text("/involvedObject/name"));
    let line = format!("{about}: {}: {}", text("/reason"), text("/message"));
    Moment { kind: MomentKind::Event, text: line, failed: warning, ..Moment::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_reported_by_its_first_field_and_shown_as_a_difference() {
        let before = json!({"metadata": {"resourceVersion": "1"}, "status": {"phase": "Pending"}});
        let after = json!({"metadata": {"resourceVersion": "2"}, "status": {"phase": "Ready", "node": "n"}});
        let (text, detail) = difference("Machine", &before, &after).unwrap();
        assert_eq!(text, r#"status.phase: "Pending" → "Ready" (and 1 more)"#);
        assert!(detail.contains("-  phase: Pending") && detail.contains("+  phase: Ready"), "{detail}");
    }

    #[test]
    fn the_managers_of_the_fields_that_changed_are_reported_below_the_difference() {
        let fields = json!({"f:status": {"f:phase": {}, "f:node": {}}});
        let entry =
            json!({"manager": "bosun", "operation": "Update", "subresource": "status", "fieldsV1": fields});
        let before = json!({"metadata": {"managedFields": []}, "status": {"phase": "Pending"}});
        let after =
            json!({"metadata": {"managedFields": [entry]}, "status": {"phase": "Ready", "node": "n"}});
        let (text, detail) = difference("Machine", &before, &after).unwrap();
        assert_eq!(text, r#"status.phase: "Pending" → "Ready" (by bosun, Update, /status) (and 1 more)"#);
        assert!(
            detail.ends_with("\nwritten by bosun, Update, /status: status.phase, status.node"),
            "{detail}"
        );
        assert!(!detail.contains("managedFields"), "{detail}");
    }

    #[test]
    fn a_write_without_a_change_is_not_told() {
        let at = |revision: &str| json!({"metadata": {"resourceVersion": revision}, "spec": {}});
        assert_eq!(difference("Machine", &at("1"), &at("2")), None);
    }

    #[test]
    fn a_secret_s_new_value_is_reported_and_not_shown() {
        let with = |value: &str| json!({"data": {"password": value}});
        let (text, detail) = difference("Secret", &with("aHVudGVyMg=="), &with("aHVudGVyMw==")).unwrap();
        assert_eq!((text.as_str(), detail.as_str()), ("a masked value changed", ""));
        let entry =
            json!({"manager": "pilot", "operation": "Apply", "fieldsV1": {"f:data": {"f:password": {}}}});
        let (mut before, mut after) = (with("aHVudGVyMg=="), with("aHVudGVyMw=="));
        before["metadata"] = json!({"managedFields": []});
        after["metadata"] = json!({"managedFields": [entry]});
        let (text, detail) = difference("Secret", &before, &after).unwrap();
        assert_eq!((text.as_str(), detail.as_str()), ("a masked value changed (by pilot, Apply)", ""));
    }
}
