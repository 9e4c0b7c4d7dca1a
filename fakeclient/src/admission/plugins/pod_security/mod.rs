//! `PodSecurity`: enforcement of the Pod Security Standard that a namespace's labels select. A violating Pod is
//! rejected, or its client gets a warning; a violating Pod template only causes a warning.

mod baseline;
mod pod;
mod policy;
mod restricted;
mod standards;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::FieldAccess;
use policy::{Level, LevelVersion, Policy};

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct PodSecurity;

impl Plugin for PodSecurity {
    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        if attributes.operation == Operation::Delete || !attributes.subresource.is_empty() {
            return Ok(());
        }
        if attributes.is("", "namespaces") {
            return namespace(attributes, object);
        }
        let is_pod = attributes.is("", "pods");
        let Some(template) = (if is_pod { Some(object) } else { template(attributes, object) }) else {
            return Ok(());
        };
        let Some(namespace) = attributes.store_view.get("namespaces", "", attributes.namespace) else {
            return Ok(());
        };
        let policy = Policy::of(namespace);
        if policy == Policy::default() || (is_pod && !affects_checks(object, attributes.old)) {
            return Ok(());
        }
        if is_pod && let Some(told) = violation_message(policy.enforce, template) {
            let why = format!("violates PodSecurity \"{}\": {told}", policy.enforce);
            return Err(attributes.forbidden(object, &why));
        }
        if let Some(told) = violation_message(policy.warn, template) {
            attributes.warn(format!("would violate PodSecurity \"{}\": {told}", policy.warn));
        }
        Ok(())
    }
}

/// The message with all violations of a standard; `None` if there is none.
fn violation_message(standard: LevelVersion, template: &Value) -> Option<String> {
    let found = standards::violations(standard, &template["metadata"], &template["spec"]);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// The Pod template of a workload.
fn template<'o>(attributes: &Attributes<'_>, object: &'o Value) -> Option<&'o Value> {
    let resource = attributes.resource;
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "podtemplates") => Some(&object["template"]),
        ("", "replicationcontrollers")
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => Some(&object["spec"]["template"]),
        ("batch", "cronjobs") => Some(&object["spec"]["jobTemplate"]["spec"]["template"]),
        _ => None,
    }
}

/// True if the write can change the result of the checks. An update of a Pod can do so only by its images.
fn affects_checks(pod: &Value, old: Option<&Value>) -> bool {
    let images = |pod: &Value| -> Vec<(String, String)> {
        let lists = ["containers", "initContainers", "ephemeralContainers"];
        let all = lists.iter().flat_map(|list| pod["spec"].list(list));
        all.map(|container| (container.text("name").to_owned(), container.text("image").to_owned())).collect()
    };
    old.is_none_or(|old| images(old) != images(pod))
}

/// Rejects labels with unknown levels and versions, unless an update leaves them unchanged. Warns of existing Pods that
/// violate a stricter level.
fn namespace(attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let wrong = policy::label_errors(object);
    if !wrong.is_empty() && attributes.old.is_none_or(|old| policy::label_errors(old) != wrong) {
        return Err(ApiError::invalid("", "Namespace", object["metadata"].text("name"), &wrong));
    }
    let Some(old) = attributes.old else { return Ok(()) };
    let (new, old) = (Policy::of(object).enforce, Policy::of(old).enforce);
    let looser = new.minor == old.minor && new.level <= old.level;
    if new == old || new.level == Level::Privileged || looser {
        return Ok(());
    }
    for warning in existing_pod_warnings(attributes, object["metadata"].text("name"), new) {
        attributes.warn(warning);
    }
    Ok(())
}

/// Warnings of existing Pods that violate the new level; Pods with the same violations share a warning.
fn existing_pod_warnings(
    attributes: &Attributes<'_>,
    namespace: &str,
    standard: LevelVersion,
) -> Vec<String> {
    let mut faults: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for pod in attributes.store_view.list("pods", Some(namespace)) {
        let found = standards::violations(standard, &pod["metadata"], &pod["spec"]);
        let reasons: Vec<&str> = found.iter().map(|violation| violation.reason).collect();
        if !reasons.is_empty() {
            faults.entry(reasons.join(", ")).or_default().push(pod["metadata"].text("name"));
        }
    }
    if faults.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = faults
        .iter()
        .map(|(reasons, pods)| {
            let first = pods.iter().min().copied().unwrap_or_default();
            match pods.len() {
                1 => format!("{first}: {reasons}"),
                2 => format!("{first} (and 1 other pod): {reasons}"),
                count => format!("{first} (and {} other pods): {reasons}", count - 1),
            }
        })
        .collect();
    lines.sort_unstable();
    let head = format!(
        "existing pods in namespace \"{namespace}\" violate the new PodSecurity enforce level \"{standard}\""
    );
    lines.insert(0, head);
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    #[test]
    fn namespace_with_unknown_level_or_version_is_rejected() {
        let labels = json!({"pod-security.kubernetes.io/enforce": "x", "pod-security.kubernetes.io/warn-version": "y"});
        let object = json!({"metadata": {"name": "ps", "labels": labels}});
        let error =
            create(&PodSecurity, "namespaces", object, &StoredObjects::default()).expect_err("wrong labels");
        assert_eq!(
            error.message,
            "Namespace \"ps\" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"y\": must be \"latest\" or \"v1.x\"]"
        );
        let right = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce-version": "v1.37"}}});
        assert!(create(&PodSecurity, "namespaces", right, &StoredObjects::default()).is_ok());
    }

    #[test]
    fn pod_is_checked_at_the_level_of_its_namespace() {
        let answer = |level: &str, spec: Value| {
            let labels = json!({"pod-security.kubernetes.io/enforce": level});
            let namespace = json!({"metadata": {"name": "default", "labels": labels}});
            let stored = StoredObjects::default().with("namespaces", namespace);
            create(&PodSecurity, "pods", pod(spec), &stored).err().map(|error| error.message)
        };
        assert_eq!(answer("privileged", json!({"hostPID": true})), None);
        assert_eq!(answer("baseline", json!({})), None);
        assert_eq!(
            answer("baseline", json!({"hostPID": true})).as_deref(),
            Some(
                "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostPID=true)"
            )
        );
    }

    #[test]
    fn update_without_image_change_is_not_checked() {
        let (a, b) =
            (pod(json!({"hostPID": true})), pod(json!({"hostPID": true, "activeDeadlineSeconds": 1})));
        assert!(!affects_checks(&b, Some(&a)));
        assert!(affects_checks(&b, None));
    }
}
