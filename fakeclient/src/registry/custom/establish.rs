//! Status of a definition, as written by kube-apiserver's controllers: accepted names, and the conditions
//! `NamesAccepted`, `Established`, `KubernetesAPIApprovalPolicyConformant` and `Terminating`.
//!
//! Each call returns the next write, because kube-apiserver writes the status in several steps.

use serde_json::{Value, json};

use super::check::approval::{self, ApprovalState};
use crate::object::view::fields::{FieldAccess, object_mut, set};

/// The finalizer of a definition, removed after the deletion of its custom resources.
pub(crate) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The next status of the definition; `None` if it is final. `others` are all other definitions; `now` is a
/// `metav1.Time`.
pub(crate) fn next_status<'a>(
    definition: &Value,
    others: impl Iterator<Item = &'a Value>,
    now: &str,
) -> Option<Value> {
    name_step(definition, others, now)
        .or_else(|| establish_step(definition, now))
        .or_else(|| approval_step(definition, now))
}

/// True if a condition has status `True`.
pub(crate) fn has_condition(definition: &Value, condition: &str) -> bool {
    let conditions = definition["status"].list("conditions");
    conditions.iter().any(|c| c.text("type") == condition && c.text("status") == "True")
}

/// The status of a definition in deletion. `started` is true once the deletion of its custom resources has begun.
pub(crate) fn terminating_status(definition: &Value, started: bool, now: &str) -> Value {
    let (reason, message) = if started {
        ("InstanceDeletionInProgress", "CustomResource deletion is in progress")
    } else {
        let text = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        ("InstanceDeletionPending", text)
    };
    let mut status = definition["status"].clone();
    set_condition(&mut status, "Terminating", "True", reason, message, now);
    status
}

/// Marks a definition as deleted: deletionTimestamp, finalizer and condition.
pub(crate) fn mark_deleted(definition: &mut Value, now: &str) {
    let metadata = object_mut(definition, "metadata");
    set(metadata, "deletionTimestamp", now);
    let mut finalizers = metadata.list("finalizers").to_vec();
    if !finalizers.iter().any(|f| f == CLEANUP_FINALIZER) {
        finalizers.push(CLEANUP_FINALIZER.into());
    }
    set(metadata, "finalizers", finalizers);
    let status = terminating_status(definition, false, now);
    set(definition, "status", status);
}

fn set_condition(status: &mut Value, kind: &str, value: &str, reason: &str, message: &str, now: &str) {
    if !status.is_object() {
        *status = json!({});
    }
    let mut conditions = status.list("conditions").to_vec();
    let new = json!({"type": kind, "status": value, "lastTransitionTime": now, "reason": reason, "message": message});
    match conditions.iter_mut().find(|c| c.text("type") == kind) {
        None => conditions.push(new),
        Some(old) => {
            let since =
                if old.text("status") == value { old["lastTransitionTime"].clone() } else { now.into() };
            *old = new;
            set(old, "lastTransitionTime", since);
        }
    }
    set(status, "conditions", conditions);
}

fn name_step<'a>(definition: &Value, others: impl Iterator<Item = &'a Value>, now: &str) -> Option<Value> {
    let (spec, status) = (&definition["spec"], &definition["status"]);
    if spec["names"] == status["acceptedNames"] {
        return None;
    }
    let taken: Vec<&Value> = others
        .filter(|other| other["spec"]["group"] == spec["group"])
        .map(|other| &other["status"]["acceptedNames"])
        .collect();
    let (accepted, conflict) = accepted_names(&spec["names"], &status["acceptedNames"], &taken);
    let (value, reason, message) = match &conflict {
        None => ("True", "NoConflicts", "no conflicts found"),
        Some((reason, message)) => ("False", *reason, message.as_str()),
    };
    let mut new = status.clone();
    object_mut(&mut new, "acceptedNames");
    set(&mut new, "acceptedNames", accepted);
    set_condition(&mut new, "NamesAccepted", value, reason, message, now);
    let established = has_condition(definition, "Established");
    if !established && value == "True" {
        let message = "the initial names have been accepted";
        set_condition(&mut new, "Established", "False", "Installing", message, now);
    } else if !status.list("conditions").iter().any(|c| c.text("type") == "Established") {
        set_condition(&mut new, "Established", "False", "NotAccepted", "not all names are accepted", now);
    }
    let settled = |key: &str| new[key] == status[key];
    (!(settled("acceptedNames") && settled("conditions"))).then_some(new)
}

/// The accepted names, those that are free or already this definition's; and the last conflict.
fn accepted_names(wanted: &Value, had: &Value, taken: &[&Value]) -> (Value, Option<(&'static str, String)>) {
    let is_resource = |name: &str| {
        taken.iter().any(|names| {
            names.text("plural") == name
                || names.text("singular") == name
                || names.list("shortNames").iter().any(|short| short == name)
        })
    };
    let is_kind =
        |name: &str| taken.iter().any(|names| names.text("kind") == name || names.text("listKind") == name);
    let mut accepted = had.clone();
    let mut conflict = None;
    let mut single = |key: &str, reason, is_taken: &dyn Fn(&str) -> bool, accepted: &mut Value| {
        let name = wanted.text(key);
        if name != had.text(key) && is_taken(name) {
            conflict = Some((reason, format!("{name:?} is already in use")));
        } else {
            set(accepted, key, name);
        }
    };
    single("plural", "PluralConflict", &is_resource, &mut accepted);
    single("singular", "SingularConflict", &is_resource, &mut accepted);
    let mut kinds = None;
    single("kind", "KindConflict", &is_kind, &mut accepted);
    single("listKind", "ListKindConflict", &is_kind, &mut accepted);
    if wanted["shortNames"] != had["shortNames"] {
        let short = wanted.list("shortNames").iter().filter(|name| !had.list("shortNames").contains(name));
        let used: Vec<String> = short
            .filter_map(Value::as_str)
            .filter(|name| is_resource(name))
            .map(|name| format!("{name:?} is already in use"))
            .collect();
        match used.as_slice() {
            [] => set_or_remove(&mut accepted, "shortNames", &wanted["shortNames"]),
            [one] => kinds = Some(("ShortNamesConflict", one.clone())),
            many => kinds = Some(("ShortNamesConflict", format!("[{}]", many.join(", ")))),
        }
    }
    set_or_remove(&mut accepted, "categories", &wanted["categories"]);
    (accepted, conflict.or(kinds))
}

fn set_or_remove(target: &mut Value, key: &str, value: &Value) {
    let Some(map) = target.as_object_mut() else { return };
    if value.is_null() {
        map.remove(key);
    } else {
        map.insert(key.to_owned(), value.clone());
    }
}

fn establish_step(definition: &Value, now: &str) -> Option<Value> {
    if !has_condition(definition, "NamesAccepted") || has_condition(definition, "Established") {
        return None;
    }
    let mut status = definition["status"].clone();
    let message = "the initial names have been accepted";
    set_condition(&mut status, "Established", "True", "InitialNamesAccepted", message, now);
    Some(status)
}

fn approval_step(definition: &Value, now: &str) -> Option<Value> {
    let (state, message) = approval::state(definition)?;
    let (value, reason) = match state {
        ApprovalState::Missing => ("False", "MissingAnnotation"),
        ApprovalState::Invalid => ("False", "InvalidAnnotation"),
        ApprovalState::Bypassed => ("False", "UnapprovedAnnotation"),
        ApprovalState::Approved => ("True", "ApprovedAnnotation"),
    };
    let kind = "KubernetesAPIApprovalPolicyConformant";
    let mut status = definition["status"].clone();
    set_condition(&mut status, kind, value, reason, &message, now);
    (status != definition["status"]).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn definition(plural: &str, kind: &str) -> Value {
        json!({"metadata": {"name": format!("{plural}.t.example.com")},
            "spec": {"group": "t.example.com", "names": {"plural": plural, "singular": kind.to_lowercase(),
                "kind": kind, "listKind": format!("{kind}List")}},
            "status": {"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": ["v1"]}})
    }

    fn settle(mut definition: Value, others: &[Value]) -> (Value, usize) {
        let mut steps = 0;
        while let Some(status) = next_status(&definition, others.iter(), NOW) {
            definition["status"] = status;
            steps += 1;
            assert!(steps < 10, "the status settles");
        }
        (definition, steps)
    }

    #[test]
    fn definition_is_established_in_steps() {
        let (settled, steps) = settle(definition("goods", "Good"), &[]);
        assert_eq!(steps, 2);
        assert_eq!(
            settled["status"],
            json!({"conditions": [
                    {"type": "NamesAccepted", "status": "True", "lastTransitionTime": NOW, "reason": "NoConflicts",
                        "message": "no conflicts found"},
                    {"type": "Established", "status": "True", "lastTransitionTime": NOW,
                        "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}],
                "acceptedNames": {"plural": "goods", "singular": "good", "kind": "Good", "listKind": "GoodList"},
                "storedVersions": ["v1"]})
        );
    }

    #[test]
    fn name_in_use_is_not_accepted() {
        let (first, _) = settle(definition("goods", "Good"), &[]);
        let mut second = definition("others", "Good");
        second["spec"]["names"]["singular"] = "other".into();
        let (settled, _) = settle(second, &[first]);
        let conditions = &settled["status"]["conditions"];
        assert_eq!(conditions[0]["status"], "False");
        assert_eq!(conditions[0]["message"], "\"GoodList\" is already in use");
        assert_eq!(conditions[1]["reason"], "NotAccepted");
        assert_eq!(settled["status"]["acceptedNames"]["plural"], "others");
    }

    #[test]
    fn transition_time_changes_with_the_condition_status() {
        let (mut settled, _) = settle(definition("goods", "Good"), &[]);
        settled["spec"]["names"]["categories"] = json!(["all"]);
        let status = next_status(&settled, std::iter::empty(), "2027-01-01T00:00:00Z").unwrap();
        assert_eq!(status["conditions"][0]["lastTransitionTime"], NOW);
        assert_eq!(status["acceptedNames"]["categories"], json!(["all"]));
    }

    #[test]
    fn deleted_definition_has_a_terminating_condition() {
        let (settled, _) = settle(definition("goods", "Good"), &[]);
        let mut deleted = settled.clone();
        mark_deleted(&mut deleted, NOW);
        assert_eq!(deleted["metadata"]["finalizers"], json!([CLEANUP_FINALIZER]));
        assert_eq!(deleted["status"]["conditions"][2]["reason"], "InstanceDeletionPending");
        let status = terminating_status(&deleted, true, "2027-01-01T00:00:00Z");
        assert_eq!(status["conditions"][2]["reason"], "InstanceDeletionInProgress");
        assert_eq!(status["conditions"][2]["lastTransitionTime"], NOW);
    }
}
