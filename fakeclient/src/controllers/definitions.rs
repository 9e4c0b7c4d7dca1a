//! Custom resource definitions: established when they come, served while they are there, emptied before they go.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::Value;

use super::hands;
use crate::cluster::Core;
use crate::endpoint::options::DeleteOptions;
use crate::object::meta;
use crate::registry::custom::establish::{self, CLEANUP_FINALIZER};
use crate::registry::custom::resources;
use crate::registry::resource::Resource;
use crate::store::{Event, Key};
use crate::verbs::metadata;
use crate::verbs::update::Part;

/// Where definitions are stored; a definition's own name is the storage key of its objects.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Time from a definition's deletion to its end. kube-apiserver answers the delete first and cleans up after that, so
/// that a client that then starts a watch still sees the definition go.
const CLEAN_UP_DELAY: Duration = Duration::from_millis(20);

pub(super) fn step(core: &Arc<Core>, event: &Event) {
    if &*event.key.resource == DEFINITIONS {
        definition(core, event);
    } else if event.deleted {
        // The last object of a definition that is going may have gone.
        clean_up_named(core, &event.key.resource);
    }
}

fn definition(core: &Arc<Core>, event: &Event) {
    let object = event.new.value();
    let spec = &object["spec"];
    if event.deleted {
        let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
        core.serve(|registry| registry.remove(group, plural));
        return;
    }
    let snapshot = core.store.snapshot();
    // What is stored now counts: an event may be older than the answer to the one before it.
    let Some(current) = snapshot.get(&event.key) else { return };
    let others = snapshot.range(DEFINITIONS, None, None).filter(|(key, _)| **key != event.key);
    let others = others.map(|(_, other)| other.value());
    if let Some(status) = establish::next_status(current.value(), others, &core.clock.seconds()) {
        let result = hands::edit(
            core,
            hands::API_SERVER,
            resource(core),
            ("", &event.key.name),
            Part::Status,
            |definition| {
                definition["status"] = status.clone();
            },
        );
        hands::report("customresourcedefinition", &event.key.name, result);
    }
    let served_before = event.old.as_ref().is_some_and(|old| {
        establish::is_true(old.value(), "Established") && old.value()["spec"] == object["spec"]
    });
    if establish::is_true(object, "Established") && !served_before {
        let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
        let versions = resources::resources(object);
        core.serve(|registry| {
            registry.remove(group, plural);
            for version in versions {
                registry.insert(Arc::new(version));
            }
        });
    }
    if is_terminating(object) && !event.old.as_ref().is_some_and(|old| is_terminating(old.value())) {
        clean_up_soon(core, event.key.name.clone());
    }
}

/// Cleans up after the delay, or at once where there is no runtime to wait in.
fn clean_up_soon(core: &Arc<Core>, name: Arc<str>) {
    let clean_up = CleanUp { core: Arc::downgrade(core), name };
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            tokio::time::sleep(CLEAN_UP_DELAY).await;
            let core = clean_up.core.clone();
            drop(clean_up);
            if let Some(core) = core.upgrade() {
                core.settle();
            }
        });
    }
}

/// A clean-up that is due. It runs on drop, so that a runtime that ends within the delay does not lose it.
struct CleanUp {
    core: Weak<Core>,
    name: Arc<str>,
}

impl Drop for CleanUp {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade().filter(|_| !std::thread::panicking()) else { return };
        clean_up_named(&core, &self.name);
    }
}

fn clean_up_named(core: &Arc<Core>, name: &str) {
    let snapshot = core.store.snapshot();
    if let Some(definition) = snapshot.get(&Key::new(DEFINITIONS, "", name)) {
        clean_up(core, definition.value());
    }
}

fn is_terminating(definition: &Value) -> bool {
    meta::is_deleting(definition) && metadata::finalizers(definition).contains(&CLEANUP_FINALIZER)
}

/// Deletes the objects of a definition that is being deleted, then lets it go.
fn clean_up(core: &Arc<Core>, definition: &Value) {
    if !is_terminating(definition) {
        return;
    }
    let name = meta::name(definition);
    let registry = core.registry();
    if let Some(resource) = registry.stored_as(name).into_iter().next() {
        let snapshot = core.store.snapshot();
        for (key, object) in snapshot.range(name, None, None) {
            if meta::is_deleting(object.value()) {
                continue;
            }
            let options = DeleteOptions::default();
            let result = hands::delete(core, Arc::clone(&resource), &key.namespace, &key.name, &options);
            hands::report("customresourcedefinition", &format!("deleting {name} {}", key.name), result);
        }
    }
    if core.store.snapshot().range(name, None, None).next().is_some() {
        return;
    }
    let result = hands::edit(core, hands::API_SERVER, resource(core), ("", name), Part::Main, |definition| {
        let rest: Vec<String> = metadata::finalizers(definition)
            .into_iter()
            .filter(|finalizer| *finalizer != CLEANUP_FINALIZER)
            .map(str::to_owned)
            .collect();
        metadata::set_finalizers(definition, &rest);
    });
    hands::report("customresourcedefinition", &format!("finishing {name}"), result);
}

fn resource(core: &Arc<Core>) -> Arc<Resource> {
    let found = core.registry().resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    found.expect("definitions are built in")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
