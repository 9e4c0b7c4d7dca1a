//! `AppArmor` profiles: the field and the deprecated annotations (KEP-24).
//!
//! For a new Pod, kube-apiserver 1.37 copies the annotation of a container to its field, unless the field of the
//! container or the Pod has the same profile.

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set};

use super::warnings::{CONTAINER_LISTS, containers};

const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Maximum length of a profile's name: `PATH_MAX` without the final zero.
const LONGEST: usize = 4095;

/// Errors of a profile.
pub(super) fn profile(path: &Path, profile: &Value) -> Vec<FieldError> {
    if profile.is_null() {
        return Vec::new();
    }
    let (kind, file) = (profile.text("type"), profile["localhostProfile"].as_str());
    let at = path.child("localhostProfile");
    let missing = "must be set when AppArmor type is Localhost";
    let mut errors = Vec::new();
    match (kind, file) {
        ("Localhost", None | Some("")) => errors.push(FieldError::required(&at, missing)),
        ("Localhost", Some(file)) => {
            if file.trim().len() != file.len() {
                errors.push(FieldError::invalid(&at, file.into(), "must not be padded with whitespace"));
            }
            if file.len() > LONGEST {
                errors.push(FieldError::too_long(&at, LONGEST));
            }
        }
        ("RuntimeDefault" | "Unconfined", Some(file)) => {
            let why = "can only be set when AppArmor type is Localhost";
            errors.push(FieldError::invalid(&at, file.into(), why));
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("", _) => {
            let why = "type is required when appArmorProfile is set";
            errors.push(FieldError::required(path.child("type"), why));
        }
        _ => {
            let known = ["Localhost", "RuntimeDefault", "Unconfined"];
            errors.push(FieldError::not_supported(path.child("type"), kind.into(), &known));
        }
    }
    errors
}

/// The profile of an annotation; `None` if it is malformed.
fn profile_of_annotation(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({"type": "Unconfined"})),
        "runtime/default" => Some(json!({"type": "RuntimeDefault"})),
        _ => {
            let file = annotation.strip_prefix("localhost/").filter(|file| !file.is_empty())?;
            Some(json!({"type": "Localhost", "localhostProfile": file}))
        }
    }
}

/// The annotation of a container.
fn container_annotation<'p>(metadata: &'p Value, container: &Value) -> Option<&'p str> {
    metadata["annotations"].get(format!("{PREFIX}{}", container.text("name")))?.as_str()
}

/// The warning of an annotation without an equal field, in a submitted Pod or a template.
pub(super) fn deprecated(path: &Path, metadata: &Value, spec: &Value, container: &Value) -> Option<String> {
    let annotation = container_annotation(metadata, container)?;
    let whole = &spec["securityContext"]["appArmorProfile"];
    let said = container["securityContext"].has("appArmorProfile")
        || profile_of_annotation(annotation).is_some_and(|profile| profile == *whole);
    (!said).then(|| {
        let at = path.key(&format!("{PREFIX}{}", container.text("name")));
        format!("{at}: deprecated since v1.30; use the \"appArmorProfile\" field instead")
    })
}

/// Warnings of annotations without an equal field, in a new Pod.
pub(crate) fn unsynced_warnings(pod: &Value) -> Vec<String> {
    if !has_annotations(&pod["metadata"]) || is_windows(&pod["spec"]) {
        return Vec::new();
    }
    let path = Path::new("metadata.annotations");
    let all = containers(&Path::new("spec"), &pod["spec"]);
    all.iter().filter_map(|(_, c)| deprecated(&path, &pod["metadata"], &pod["spec"], c)).collect()
}

/// Synchronises the fields and annotations of a new Pod.
pub(crate) fn sync_app_armor(pod: &mut Value) {
    if !has_annotations(&pod["metadata"]) || is_windows(&pod["spec"]) {
        return;
    }
    let metadata = pod["metadata"].clone();
    let Some(spec) = pod.get_mut("spec") else { return };
    let whole = spec["securityContext"]["appArmorProfile"].clone();
    for list in CONTAINER_LISTS {
        for container in items_mut(spec, list) {
            if container["securityContext"].has("appArmorProfile") {
                continue;
            }
            let meant = container_annotation(&metadata, container).and_then(profile_of_annotation);
            let right = meant.filter(|meant| *meant != whole && profile(&Path::default(), meant).is_empty());
            if let Some(profile) = right {
                set(object_mut(container, "securityContext"), "appArmorProfile", profile);
            }
        }
    }
}

/// Errors of malformed annotations and of those for absent containers.
pub(crate) fn annotations(path: &Path, metadata: &Value, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in metadata.entries("annotations") {
        let Some(name) = key.strip_prefix(PREFIX) else { continue };
        let value = value.as_str().unwrap_or_default();
        if !containers(path, spec).iter().any(|(_, container)| container.text("name") == name) {
            errors.push(FieldError::invalid(path.key(key), name.into(), "container not found"));
        }
        if !["", "runtime/default", "unconfined"].contains(&value) && !value.starts_with("localhost/") {
            let why = format!("invalid AppArmor profile name: {value:?}");
            errors.push(FieldError::invalid(path.key(key), value.into(), why));
        }
    }
    errors
}

/// Errors of annotations that contradict the container's effective profile.
pub(crate) fn contradictions(path: &Path, metadata: &Value, spec: &Value) -> Vec<FieldError> {
    if !has_annotations(metadata) || is_windows(spec) {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for (at, container) in containers(path, spec) {
        let own = &container["securityContext"]["appArmorProfile"];
        let profile = if own.is_null() { &spec["securityContext"]["appArmorProfile"] } else { own };
        let Some(annotation) = container_annotation(metadata, container) else { continue };
        let at = at.child("securityContext").child("appArmorProfile");
        let (kind, file) = (profile.text("type"), profile["localhostProfile"].as_str());
        let same_kind = match kind {
            "Unconfined" => annotation == "unconfined",
            "RuntimeDefault" => annotation == "runtime/default",
            "Localhost" => annotation.starts_with("localhost/"),
            _ => continue,
        };
        if !same_kind {
            let why = "apparmor type in annotation and field must match";
            errors.push(FieldError::forbidden(at.child("type"), why));
        } else if kind == "Localhost" && annotation.strip_prefix("localhost/") != file {
            let why = "apparmor profile in annotation and field must match";
            errors.push(FieldError::forbidden(at.child("localhostProfile"), why));
        }
    }
    errors
}

/// Errors of changed annotations on an existing Pod.
pub(crate) fn frozen(path: &Path, new: &Value, old: &Value) -> Vec<FieldError> {
    let mine = |metadata: &Value| -> Vec<(String, Value)> {
        let all = metadata.entries("annotations").filter(|(key, _)| key.starts_with(PREFIX));
        all.map(|(key, value)| (key.to_owned(), value.clone())).collect()
    };
    let (new, old) = (mine(new), mine(old));
    let gone = old.iter().filter(|entry| !new.contains(entry)).map(|(key, _)| {
        FieldError::forbidden(path.key(key), "may not remove or update AppArmor annotations")
    });
    let added = new
        .iter()
        .filter(|(key, _)| !old.iter().any(|(other, _)| other == key))
        .map(|(key, _)| FieldError::forbidden(path.key(key), "may not add AppArmor annotations"));
    gone.chain(added).collect()
}

/// True if there is an `AppArmor` annotation.
fn has_annotations(metadata: &Value) -> bool {
    metadata.entries("annotations").any(|(key, _)| key.starts_with(PREFIX))
}

fn is_windows(spec: &Value) -> bool {
    spec["os"].text("name") == "windows"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotation: &str, whole: &Value, own: &Value) -> Value {
        json!({
            "metadata": {"annotations": {format!("{PREFIX}c"): annotation}},
            "spec": {
                "securityContext": {"appArmorProfile": whole},
                "containers": [{"name": "c", "securityContext": {"appArmorProfile": own}}],
            },
        })
    }

    fn own(pod: &Value) -> &Value {
        &pod["spec"]["containers"][0]["securityContext"]["appArmorProfile"]
    }

    #[test]
    fn annotation_is_copied_unless_the_field_is_set() {
        let default = json!({"type": "RuntimeDefault"});
        let mut new = pod("localhost/a", &Value::Null, &Value::Null);
        assert_eq!(unsynced_warnings(&new).len(), 1);
        sync_app_armor(&mut new);
        assert_eq!(*own(&new), json!({"type": "Localhost", "localhostProfile": "a"}));
        let mut said = pod("runtime/default", &default, &Value::Null);
        assert!(unsynced_warnings(&said).is_empty());
        sync_app_armor(&mut said);
        assert!(own(&said).is_null(), "the whole Pod's says so");
        let mut other = pod("unconfined", &Value::Null, &default);
        sync_app_armor(&mut other);
        assert_eq!(*own(&other), default);
        let errors = contradictions(&Path::new("spec"), &other["metadata"], &other["spec"]);
        let text = "spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and \
                    field must match";
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }

    #[test]
    fn annotations_are_immutable() {
        let told = |new: &str| {
            let (new, old) =
                (pod(new, &Value::Null, &Value::Null), pod("unconfined", &Value::Null, &Value::Null));
            frozen(&Path::new("a"), &new["metadata"], &old["metadata"]).len()
        };
        assert_eq!((told("unconfined"), told("runtime/default")), (0, 1));
    }
}
