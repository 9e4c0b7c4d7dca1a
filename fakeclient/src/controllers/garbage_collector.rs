//! The garbage collector: dependents follow their owners, in the background, in the foreground, or are orphaned.
//! Owners are told apart by uid; an owner that is not there makes its dependents garbage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::hands;
use crate::cluster::Core;
use crate::endpoint::options::{DeleteOptions, Propagation};
use crate::object::meta;
use crate::registry::resource::Resource;
use crate::store::{Event, Key, Object};
use crate::verbs::metadata;
use crate::verbs::update::Part;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Who depends on whom: uid of the owner → dependents.
#[derive(Debug, Default)]
pub(crate) struct GarbageCollector {
    dependents: BTreeMap<String, BTreeSet<Key>>,
}

/// What an owner reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// There, and staying.
    Solid,
    /// Not there, or another object of that name.
    Absent,
    /// Waiting for its dependents to go first.
    Waiting,
}

impl GarbageCollector {
    pub(super) fn step(&mut self, core: &Arc<Core>, event: &Event) {
        self.index(event);
        let uid = meta::text(event.new.value(), "uid").to_owned();
        if event.deleted {
            for key in self.dependents_of(&uid) {
                self.examine(core, &key);
            }
            // An owner in the foreground waits for this one, perhaps.
            for reference in references(event.new.value()) {
                self.owner_of_a_gone_dependent(core, event, reference);
            }
            return;
        }
        // A dependent that is released may have been what its owner waited for.
        let kept = references(event.new.value());
        let released = event.old.iter().flat_map(|old| references(old.value()));
        for reference in released.filter(|reference| !kept.contains(reference)) {
            self.owner_of_a_gone_dependent(core, event, reference);
        }
        let finalizers = metadata::finalizers(event.new.value());
        if meta::is_deleting(event.new.value()) && finalizers.contains(&ORPHAN) {
            self.orphan(core, &event.key, &uid);
        } else if meta::is_deleting(event.new.value()) && finalizers.contains(&FOREGROUND) {
            self.foreground(core, &event.key, &uid);
        }
        if !references(event.new.value()).is_empty() {
            self.examine(core, &event.key);
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

    fn owner_of_a_gone_dependent(&self, core: &Arc<Core>, event: &Event, reference: &Value) {
        let Some(key) = owner_key(core, reference, &event.key.namespace) else { return };
        let snapshot = core.store.snapshot();
        let Some(owner) = snapshot.get(&key) else { return };
        let uid = meta::text(owner.value(), "uid");
        if uid == reference["uid"] && waits(owner.value()) {
            self.foreground(core, &key, uid);
        }
    }

    /// Decides about one dependent, as it is now.
    fn examine(&self, core: &Arc<Core>, key: &Key) {
        let snapshot = core.store.snapshot();
        let Some(object) = snapshot.get(key) else { return };
        let object = object.value();
        let all = references(object);
        if all.is_empty() || (meta::is_deleting(object) && !waits(object)) {
            return;
        }
        let states: Vec<Owner> = all.iter().map(|reference| state(core, reference, &key.namespace)).collect();
        let has = |state: Owner| states.contains(&state);
        if has(Owner::Solid) {
            if has(Owner::Absent) || has(Owner::Waiting) {
                let gone: BTreeSet<String> = all
                    .iter()
                    .zip(&states)
                    .filter(|(_, state)| **state != Owner::Solid)
                    .map(|(reference, _)| reference["uid"].as_str().unwrap_or_default().to_owned())
                    .collect();
                drop_owners(core, key, &gone);
            }
            return;
        }
        let uid = meta::text(object, "uid");
        let finalizers = metadata::finalizers(object);
        let policy = if has(Owner::Waiting) && !self.dependents_of(uid).is_empty() {
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
        let Some(resource) = resource_of(core, key) else { return };
        let result = hands::delete(core, resource, &key.namespace, &key.name, &options);
        hands::report("garbage-collector", &format!("deleting {}/{}", key.resource, key.name), result);
    }

    /// An owner that waits for its dependents: goes when none blocks it any more.
    fn foreground(&self, core: &Arc<Core>, key: &Key, uid: &str) {
        let snapshot = core.store.snapshot();
        let mut blocked = false;
        for dependent in self.dependents_of(uid) {
            let Some(object) = snapshot.get(&dependent) else { continue };
            let blocks = references(object.value())
                .iter()
                .any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true);
            blocked |= blocks;
            if blocks {
                self.examine(core, &dependent);
            }
        }
        if blocked && self.still_blocked(core, uid) {
            return;
        }
        drop_finalizer(core, key, FOREGROUND);
    }

    fn still_blocked(&self, core: &Arc<Core>, uid: &str) -> bool {
        let snapshot = core.store.snapshot();
        self.dependents_of(uid).iter().filter_map(|key| snapshot.get(key)).any(|object| {
            references(object.value())
                .iter()
                .any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true)
        })
    }

    /// An owner that leaves its dependents behind.
    fn orphan(&self, core: &Arc<Core>, key: &Key, uid: &str) {
        let gone = BTreeSet::from([uid.to_owned()]);
        for dependent in self.dependents_of(uid) {
            drop_owners(core, &dependent, &gone);
        }
        drop_finalizer(core, key, ORPHAN);
    }
}

fn references(object: &Value) -> &[Value] {
    metadata::get(object, "ownerReferences").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn waits(object: &Value) -> bool {
    meta::is_deleting(object) && metadata::finalizers(object).contains(&FOREGROUND)
}

/// Where the owner of a reference is stored; nothing if its kind is not served, or if a cluster-scoped object claims a
/// namespaced owner.
fn owner_key(core: &Arc<Core>, reference: &Value, namespace: &str) -> Option<Key> {
    let api_version = reference["apiVersion"].as_str()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = core.registry().kind(group, version, reference["kind"].as_str()?)?;
    let namespace = if resource.namespaced { namespace } else { "" };
    if resource.namespaced && namespace.is_empty() {
        return None;
    }
    Some(Key::new(&resource.storage.key, namespace, reference["name"].as_str()?))
}

fn state(core: &Arc<Core>, reference: &Value, namespace: &str) -> Owner {
    let Some(key) = owner_key(core, reference, namespace) else { return Owner::Absent };
    let snapshot = core.store.snapshot();
    match snapshot.get(&key) {
        Some(owner) if meta::text(owner.value(), "uid") == reference["uid"] => {
            if waits(owner.value()) {
                Owner::Waiting
            } else {
                Owner::Solid
            }
        }
        _ => Owner::Absent,
    }
}

fn resource_of(core: &Arc<Core>, key: &Key) -> Option<Arc<Resource>> {
    core.registry().stored_as(&key.resource).into_iter().next()
}

/// Changes an object as it is stored now, and reports how that went.
fn edit(core: &Arc<Core>, key: &Key, what: &str, edit: impl Fn(&mut Value)) {
    let Some(resource) = resource_of(core, key) else { return };
    let place = (&*key.namespace, &*key.name);
    let result = hands::edit(core, hands::CONTROLLER_MANAGER, resource, place, Part::Main, edit);
    hands::report("garbage-collector", &format!("{what} {}/{}", key.resource, key.name), result);
}

fn drop_owners(core: &Arc<Core>, key: &Key, gone: &BTreeSet<String>) {
    edit(core, key, "releasing", |object| {
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
    });
}

fn drop_finalizer(core: &Arc<Core>, key: &Key, finalizer: &str) {
    edit(core, key, "finishing", |object| {
        let rest: Vec<String> =
            metadata::finalizers(object).into_iter().filter(|f| *f != finalizer).map(str::to_owned).collect();
        metadata::set_finalizers(object, &rest);
    });
}
