//! The garbage collector: background, foreground and orphaning deletion of dependents. Owners are matched by uid; a
//! dependent without an existing owner is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::client;
use crate::object::view::metadata;
use crate::registry::resource::Resource;
use crate::state::ClusterState;
use crate::store::{Event, Key, Object};
use crate::verbs::options::{DeleteOptions, Propagation};
use crate::verbs::update::Part;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// The dependency graph: uid of the owner → keys of its dependents.
#[derive(Clone, Debug, Default)]
pub(crate) struct GarbageCollector {
    dependents: BTreeMap<String, BTreeSet<Key>>,
}

/// The state of the owner that a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnerState {
    /// It exists and is not waiting for its dependents.
    Present,
    /// It does not exist, or its uid differs.
    Absent,
    /// It is in foreground deletion.
    ForegroundDeletion,
}

impl GarbageCollector {
    pub(super) async fn step(&mut self, state: &Arc<ClusterState>, event: &Event) {
        self.index(event);
        let uid = metadata::text(event.new.value(), "uid").to_owned();
        if event.deleted {
            for key in self.dependents_of(&uid) {
                self.process_dependent(state, &key).await;
            }
            // An owner in foreground deletion may wait for this dependent.
            for reference in references(event.new.value()) {
                self.process_owner_of_deleted(state, event, reference).await;
            }
            return;
        }
        // An owner may wait for a dependent whose reference was removed.
        let kept = references(event.new.value());
        let released = event.old.iter().flat_map(|old| references(old.value()));
        for reference in released.filter(|reference| !kept.contains(reference)) {
            self.process_owner_of_deleted(state, event, reference).await;
        }
        let finalizers = metadata::finalizers(event.new.value());
        if metadata::is_deleting(event.new.value()) && finalizers.contains(&ORPHAN) {
            self.orphan_dependents(state, &event.key, &uid).await;
        } else if metadata::is_deleting(event.new.value()) && finalizers.contains(&FOREGROUND) {
            self.finish_foreground_deletion(state, &event.key, &uid).await;
        }
        if !references(event.new.value()).is_empty() {
            self.process_dependent(state, &event.key).await;
        }
    }

    fn index(&mut self, event: &Event) {
        let owners = |object: &Object| -> BTreeSet<String> {
            references(object.value())
                .iter()
                .map(|r| r["uid"].as_str().unwrap_or_default().to_owned())
                .collect()
        };
        let before = event.old.as_ref().map(|old| owners(old)).unwrap_or_default();
        let after = if event.deleted { BTreeSet::new() } else { owners(&event.new) };
        for uid in before.difference(&after) {
            if let Some(keys) = self.dependents.get_mut(uid) {
                keys.remove(&event.key);
                if keys.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        for uid in after.difference(&before) {
            self.dependents.entry(uid.clone()).or_default().insert(event.key.clone());
        }
    }

    fn dependents_of(&self, uid: &str) -> Vec<Key> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    async fn process_owner_of_deleted(&self, state: &Arc<ClusterState>, event: &Event, reference: &Value) {
        let Some(key) = owner_key(state, reference, &event.key.namespace) else { return };
        let snapshot = state.store.snapshot();
        let Some(owner) = snapshot.get(&key) else { return };
        let uid = metadata::text(owner.value(), "uid");
        if uid == reference["uid"] && is_in_foreground_deletion(owner.value()) {
            self.finish_foreground_deletion(state, &key, uid).await;
        }
    }

    /// Deletes a dependent or removes its references to absent owners, by its current state.
    async fn process_dependent(&self, state: &Arc<ClusterState>, key: &Key) {
        let snapshot = state.store.snapshot();
        let Some(object) = snapshot.get(key) else { return };
        let object = object.value();
        let all = references(object);
        if all.is_empty() || (metadata::is_deleting(object) && !is_in_foreground_deletion(object)) {
            return;
        }
        let states: Vec<OwnerState> =
            all.iter().map(|reference| owner_state(state, reference, &key.namespace)).collect();
        let has = |state: OwnerState| states.contains(&state);
        if has(OwnerState::Present) {
            if has(OwnerState::Absent) || has(OwnerState::ForegroundDeletion) {
                let gone: BTreeSet<String> = all
                    .iter()
                    .zip(&states)
                    .filter(|(_, state)| **state != OwnerState::Present)
                    .map(|(reference, _)| reference["uid"].as_str().unwrap_or_default().to_owned())
                    .collect();
                remove_owner_references(state, key, &gone).await;
            }
            return;
        }
        let uid = metadata::text(object, "uid");
        let finalizers = metadata::finalizers(object);
        let policy = if has(OwnerState::ForegroundDeletion) && !self.dependents_of(uid).is_empty() {
            Propagation::Foreground
        } else if finalizers.contains(&ORPHAN) {
            Propagation::Orphan
        } else if finalizers.contains(&FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        let options = DeleteOptions {
            propagation: Some(policy),
            uid: Some(uid.to_owned()),
            ..DeleteOptions::default()
        };
        let Some(resource) = resource_of(state, key) else { return };
        let result = client::delete(state, resource, &key.namespace, &key.name, &options).await;
        client::log_failure("garbage-collector", &format!("deleting {}/{}", key.resource, key.name), result);
    }

    /// Removes the finalizer of an owner in foreground deletion, once no dependent blocks it.
    async fn finish_foreground_deletion(&self, state: &Arc<ClusterState>, key: &Key, uid: &str) {
        let snapshot = state.store.snapshot();
        let mut blocked = false;
        for dependent in self.dependents_of(uid) {
            let Some(object) = snapshot.get(&dependent) else { continue };
            let blocks = references(object.value())
                .iter()
                .any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true);
            blocked |= blocks;
            if blocks {
                self.process_dependent(state, &dependent).await;
            }
        }
        if blocked && self.is_blocked(state, uid) {
            return;
        }
        remove_finalizer(state, key, FOREGROUND).await;
    }

    fn is_blocked(&self, state: &Arc<ClusterState>, uid: &str) -> bool {
        let snapshot = state.store.snapshot();
        self.dependents_of(uid).iter().filter_map(|key| snapshot.get(key)).any(|object| {
            references(object.value())
                .iter()
                .any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true)
        })
    }

    /// Removes the owner from its dependents' references, then its `orphan` finalizer.
    async fn orphan_dependents(&self, state: &Arc<ClusterState>, key: &Key, uid: &str) {
        let gone = BTreeSet::from([uid.to_owned()]);
        for dependent in self.dependents_of(uid) {
            remove_owner_references(state, &dependent, &gone).await;
        }
        remove_finalizer(state, key, ORPHAN).await;
    }
}

fn references(object: &Value) -> &[Value] {
    metadata::get(object, "ownerReferences").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_in_foreground_deletion(object: &Value) -> bool {
    metadata::is_deleting(object) && metadata::finalizers(object).contains(&FOREGROUND)
}

/// Key of the owner that a reference names. `None` if no resource is served for its kind, or if the dependent is
/// cluster-scoped and the owner's kind is namespaced.
fn owner_key(state: &Arc<ClusterState>, reference: &Value, namespace: &str) -> Option<Key> {
    let api_version = reference["apiVersion"].as_str()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = state.registry().kind(group, version, reference["kind"].as_str()?)?;
    let namespace = if resource.namespaced { namespace } else { "" };
    if resource.namespaced && namespace.is_empty() {
        return None;
    }
    Some(Key::new(&resource.storage.key, namespace, reference["name"].as_str()?))
}

fn owner_state(state: &Arc<ClusterState>, reference: &Value, namespace: &str) -> OwnerState {
    let Some(key) = owner_key(state, reference, namespace) else { return OwnerState::Absent };
    let snapshot = state.store.snapshot();
    match snapshot.get(&key) {
        Some(owner) if metadata::text(owner.value(), "uid") == reference["uid"] => {
            if is_in_foreground_deletion(owner.value()) {
                OwnerState::ForegroundDeletion
            } else {
                OwnerState::Present
            }
        }
        _ => OwnerState::Absent,
    }
}

fn resource_of(state: &Arc<ClusterState>, key: &Key) -> Option<Arc<Resource>> {
    state.registry().stored_as(&key.resource).into_iter().next()
}

/// Edits an object with a guaranteed update, and logs a failure.
async fn edit(state: &Arc<ClusterState>, key: &Key, what: &str, edit: impl Fn(&mut Value) + Sync) {
    let Some(resource) = resource_of(state, key) else { return };
    let place = (&*key.namespace, &*key.name);
    let result = client::edit(state, client::CONTROLLER_MANAGER, resource, place, Part::Main, edit).await;
    client::log_failure("garbage-collector", &format!("{what} {}/{}", key.resource, key.name), result);
}

async fn remove_owner_references(state: &Arc<ClusterState>, key: &Key, gone: &BTreeSet<String>) {
    edit(state, key, "releasing", |object| {
        let rest: Vec<Value> = references(object)
            .iter()
            .filter(|reference| !gone.contains(reference["uid"].as_str().unwrap_or_default()))
            .cloned()
            .collect();
        if rest.is_empty() {
            metadata::remove(object, "ownerReferences");
        } else {
            metadata::set(object, "ownerReferences", rest.into());
        }
    })
    .await;
}

async fn remove_finalizer(state: &Arc<ClusterState>, key: &Key, finalizer: &str) {
    edit(state, key, "finishing", |object| {
        let rest: Vec<String> =
            metadata::finalizers(object).into_iter().filter(|f| *f != finalizer).map(str::to_owned).collect();
        metadata::set_finalizers(object, &rest);
    })
    .await;
}
