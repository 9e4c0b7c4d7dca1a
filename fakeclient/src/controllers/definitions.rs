//! Custom resource definitions: established when they come, served while they are there, emptied before they go.

use std::sync::Arc;

use serde_json::Value;

use super::hands;
use crate::cluster::Core;
use crate::endpoint::options::DeleteOptions;
use crate::handler::metadata;
use crate::handler::update::Part;
use crate::object::meta;
use crate::registry::custom::establish::{self, CLEANUP_FINALIZER};
use crate::registry::custom::resources;
use crate::registry::resource::Resource;
use crate::store::{Event, Key};

/// Where definitions are stored; a definition's own name is the storage key of its objects.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

pub(super) fn step(core: &Arc<Core>, event: &Event) {
    if &*event.key.resource == DEFINITIONS {
        definition(core, event);
    } else if event.deleted {
        // The last object of a definition that is going may have gone.
        let snapshot = core.store.snapshot();
        if let Some(found) = snapshot.get(&Key::new(DEFINITIONS, "", &event.key.resource)) {
            clean_up(core, found.value());
        }
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
    clean_up(core, object);
}

/// Deletes the objects of a definition that is being deleted, then lets it go.
fn clean_up(core: &Arc<Core>, definition: &Value) {
    if !meta::is_deleting(definition) || !metadata::finalizers(definition).contains(&CLEANUP_FINALIZER) {
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
