//! Controllers of CustomResourceDefinitions: establishing, serving, and deletion of the custom resources of a deleted
//! definition.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::{Controllers, client};
use crate::object::view::metadata;
use crate::registry::custom::establish::{self, CLEANUP_FINALIZER};
use crate::registry::custom::{DEFINITIONS, resources};
use crate::registry::resource::Resource;
use crate::state::ClusterState;
use crate::store::{Event, Key};
use crate::verbs::options::DeleteOptions;
use crate::verbs::update::Part;

/// Delay between the deletion of a definition and its finalization. kube-apiserver answers the delete before it cleans
/// up, so that a watch started after the answer still sees the deletion.
const CLEAN_UP_DELAY: Duration = Duration::from_millis(20);

pub(super) async fn step(controllers: &Arc<Controllers>, event: &Arc<Event>) {
    if &*event.key.resource == DEFINITIONS {
        handle_definition(controllers, event).await;
    } else if event.deleted {
        // A deleted custom resource may be the last one of a terminating definition.
        clean_up_named(&controllers.state, &event.key.resource).await;
    }
}

async fn handle_definition(controllers: &Arc<Controllers>, event: &Arc<Event>) {
    let state = &controllers.state;
    let object = event.new.value();
    let spec = &object["spec"];
    if event.deleted {
        let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
        state.serve(|registry| registry.remove(group, plural));
        return;
    }
    let snapshot = state.store.snapshot();
    // The current state decides: the event may be older.
    let Some(current) = snapshot.get(&event.key) else { return };
    let others = snapshot.range(DEFINITIONS, None, None).filter(|(key, _)| **key != event.key);
    let others = others.map(|(_, other)| other.value());
    if let Some(status) = establish::next_status(current.value(), others, &state.clock.seconds()) {
        let result = client::edit(
            state,
            client::API_SERVER,
            resource(state),
            ("", &event.key.name),
            Part::Status,
            |definition| {
                definition["status"] = status.clone();
            },
        )
        .await;
        client::log_failure("customresourcedefinition", &event.key.name, result);
    }
    let served_before = event.old.as_ref().is_some_and(|old| {
        establish::has_condition(old.value(), "Established") && old.value()["spec"] == object["spec"]
    });
    if establish::has_condition(object, "Established") && !served_before {
        let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
        let versions = resources::resources(object);
        state.serve(|registry| {
            registry.remove(group, plural);
            for version in versions {
                registry.insert(Arc::new(version));
            }
        });
    }
    if is_terminating(object) && !event.old.as_ref().is_some_and(|old| is_terminating(old.value())) {
        clean_up_soon(controllers, event).await;
    }
}

/// Cleans up after the delay, or at once outside a runtime.
async fn clean_up_soon(controllers: &Arc<Controllers>, event: &Arc<Event>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return clean_up_named(&controllers.state, &event.key.name).await;
    };
    let mut due = PendingCleanUp { controllers: Arc::downgrade(controllers), event: Some(Arc::clone(event)) };
    runtime.spawn(async move {
        tokio::time::sleep(CLEAN_UP_DELAY).await;
        if let (Some(controllers), Some(event)) = (due.controllers.upgrade(), due.event.take()) {
            clean_up_named(&controllers.state, &event.key.name).await;
            run_until_idle(controllers).await;
        }
    });
}

/// Runs the controllers. Boxed, because it recurses through their steps.
fn run_until_idle(controllers: Arc<Controllers>) -> BoxFuture<'static, ()> {
    Box::pin(async move { controllers.run_until_idle().await })
}

/// A pending clean-up. If its runtime shuts down first, the next request handles the event again.
struct PendingCleanUp {
    controllers: Weak<Controllers>,
    event: Option<Arc<Event>>,
}

impl Drop for PendingCleanUp {
    fn drop(&mut self) {
        if let (Some(controllers), Some(event)) = (self.controllers.upgrade(), self.event.take()) {
            controllers.state.queue(event);
        }
    }
}

async fn clean_up_named(state: &Arc<ClusterState>, name: &str) {
    let snapshot = state.store.snapshot();
    if let Some(definition) = snapshot.get(&Key::new(DEFINITIONS, "", name)) {
        clean_up(state, definition.value()).await;
    }
}

fn is_terminating(definition: &Value) -> bool {
    metadata::is_deleting(definition) && metadata::finalizers(definition).contains(&CLEANUP_FINALIZER)
}

/// Deletes the custom resources of a terminating definition, then removes its finalizer.
async fn clean_up(state: &Arc<ClusterState>, definition: &Value) {
    if !is_terminating(definition) {
        return;
    }
    let name = metadata::name(definition);
    let registry = state.registry();
    if let Some(resource) = registry.stored_as(name).into_iter().next() {
        let snapshot = state.store.snapshot();
        for (key, object) in snapshot.range(name, None, None) {
            if metadata::is_deleting(object.value()) {
                continue;
            }
            let options = DeleteOptions::default();
            let result =
                client::delete(state, Arc::clone(&resource), &key.namespace, &key.name, &options).await;
            client::log_failure("customresourcedefinition", &format!("deleting {name} {}", key.name), result);
        }
    }
    if state.store.snapshot().range(name, None, None).next().is_some() {
        return;
    }
    let result =
        client::edit(state, client::API_SERVER, resource(state), ("", name), Part::Main, |definition| {
            let rest: Vec<String> = metadata::finalizers(definition)
                .into_iter()
                .filter(|finalizer| *finalizer != CLEANUP_FINALIZER)
                .map(str::to_owned)
                .collect();
            metadata::set_finalizers(definition, &rest);
        })
        .await;
    client::log_failure("customresourcedefinition", &format!("finishing {name}"), result);
}

fn resource(state: &Arc<ClusterState>) -> Arc<Resource> {
    let found = state.registry().resource("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    found.expect("definitions are built in")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
