//! Disabled fields: those of Pods and templates whose feature gate is off by default in Kubernetes 1.37. A write drops
//! them.

use serde_json::Value;

use crate::object::view::fields::{FieldAccess, items_mut, remove};

/// Drops disabled fields from the Pod spec at a JSON pointer.
pub(crate) fn drop_disabled(object: &mut Value, path: &str) {
    let Some(spec) = object.pointer_mut(path) else { return };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in items_mut(spec, list) {
            drop_stop_signal(container);
        }
    }
}

/// Feature gate `ContainerStopSignals`.
fn drop_stop_signal(container: &mut Value) {
    let Some(lifecycle) = container.get_mut("lifecycle").filter(|lifecycle| lifecycle.has("stopSignal"))
    else {
        return;
    };
    remove(lifecycle, "stopSignal");
    if lifecycle.as_object().is_some_and(serde_json::Map::is_empty) {
        remove(container, "lifecycle");
    }
}
