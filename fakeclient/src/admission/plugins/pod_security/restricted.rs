//! Checks that the level `restricted` adds (Kubernetes 1.37, Pod Security Standards).

use serde_json::Value;

use super::baseline::{added_capabilities, forbidden_seccomp};
use super::pod::{Pod, TextSet, Violation, containers, plural, quoted, uses, violation};
use crate::object::view::fields::FieldAccess;

/// Allowed volume sources.
const HARMLESS: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) fn privilege_escalation(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_windows() {
        return None;
    }
    let names = pod.container_names(|c| c["securityContext"].flag("allowPrivilegeEscalation") != Some(false));
    let detail = || format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&names));
    violation("allowPrivilegeEscalation != false", (!names.is_empty()).then(detail))
}

pub(super) fn capabilities(pod: &Pod<'_>) -> Option<Violation> {
    if pod.is_windows() {
        return None;
    }
    let keeping = pod.container_names(|container| {
        let dropped = container["securityContext"]["capabilities"].list("drop");
        !dropped.iter().any(|capability| capability == "ALL")
    });
    let dropping =
        || format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeping));
    let dropping = (!keeping.is_empty()).then(dropping);
    let details: Vec<String> =
        dropping.into_iter().chain(added_capabilities(pod, &["NET_BIND_SERVICE"])).collect();
    violation("unrestricted capabilities", (!details.is_empty()).then(|| details.join("; ")))
}

pub(super) fn volumes(pod: &Pod<'_>) -> Option<Violation> {
    let (mut names, mut types) = (Vec::new(), TextSet::new());
    for volume in pod.spec.list("volumes") {
        if HARMLESS.iter().any(|source| volume.has(source)) {
            continue;
        }
        names.push(volume.text("name"));
        types.insert(source(volume).to_owned());
    }
    if names.is_empty() {
        return None;
    }
    let (count, word) = (names.len(), plural("restricted volume type", types.len()));
    let who = format!("{} {}", plural("volume", count), quoted(&names));
    violation("restricted volume types", Some(format!("{who} {} {word} {}", uses(count), quoted(&types))))
}

/// The field of the volume's source.
fn source(volume: &Value) -> &str {
    let fields = volume.as_object().into_iter().flatten();
    let mut sources = fields.filter(|(key, value)| *key != "name" && !value.is_null());
    sources.next().map_or("unknown", |(key, _)| key)
}

pub(super) fn non_root(pod: &Pod<'_>) -> Option<Violation> {
    const REASON: &str = "runAsNonRoot != true";
    if pod.has_user_namespace() {
        return None;
    }
    if let Some(setters) = pod.pod_and_containers_with(|context| context.flag("runAsNonRoot") == Some(false))
    {
        return violation(REASON, Some(format!("{setters} must not set securityContext.runAsNonRoot=false")));
    }
    if pod.context().flag("runAsNonRoot") == Some(true) {
        return None;
    }
    let names = pod.container_names(|container| container["securityContext"].flag("runAsNonRoot").is_none());
    let detail = || format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&names));
    violation(REASON, (!names.is_empty()).then(detail))
}

pub(super) fn user(pod: &Pod<'_>) -> Option<Violation> {
    if pod.has_user_namespace() {
        return None;
    }
    let setters = pod.pod_and_containers_with(|context| context.number("runAsUser") == Some(0))?;
    violation("runAsUser=0", Some(format!("{setters} must not set runAsUser=0")))
}

pub(super) fn seccomp(pod: &Pod<'_>) -> Option<Violation> {
    const REASON: &str = "seccompProfile";
    if pod.is_windows() {
        return None;
    }
    if let Some(detail) = forbidden_seccomp(pod) {
        return violation(REASON, Some(detail));
    }
    if pod.context().has("seccompProfile") {
        return None;
    }
    let names = pod.container_names(|container| !container["securityContext"].has("seccompProfile"));
    let detail = || {
        let who = containers(&names);
        format!(
            "pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\""
        )
    };
    violation(REASON, (!names.is_empty()).then(detail))
}
