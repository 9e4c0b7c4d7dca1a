//! Job: generated selector, restart policy, and the fields that may change.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::check::template;
use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::labels;
use crate::kinds::rules::numbers::not_negative;
use crate::object::selector::label::LabelSelector;
use crate::object::view::fields::{FieldAccess, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::policies;

const UID: &str = "batch.kubernetes.io/controller-uid";
const NAME: &str = "batch.kubernetes.io/job-name";

/// `jobs.batch`
#[derive(Debug)]
pub(crate) struct Job;

impl Strategy for Job {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        if !labels.is_object() || object["metadata"].entries("labels").next().is_some() {
            return Cow::Borrowed(object);
        }
        let mut labelled = object.clone();
        set(object_mut(&mut labelled, "metadata"), "labels", labels.clone());
        Cow::Owned(labelled)
    }

    /// A Job without labels gets those of its template, after the selector's labels are generated.
    fn apply_defaults(&self, object: &mut Value) {
        let spec = &object["spec"];
        let generated = spec.has("selector") || spec.flag("manualSelector") == Some(true);
        let labels = spec["template"]["metadata"]["labels"].clone();
        let metadata = object_mut(object, "metadata");
        if generated && labels.is_object() && metadata.entries("labels").next().is_none() {
            set(metadata, "labels", labels);
        }
        complete_job(object_mut(object, "spec"));
        let spec = object_mut(object, "spec");
        if !spec.has("completions") && !spec.has("parallelism") {
            set(spec, "completions", 1);
        }
        set_default(spec, "parallelism", 1);
        let limit = if spec.has("backoffLimitPerIndex") { i32::MAX } else { 6 };
        set_default(spec, "backoffLimit", limit);
        set_default(spec, "completionMode", "NonIndexed");
        set_default(spec, "suspend", false);
        let replacement = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
        set_default(spec, "podReplacementPolicy", replacement);
        set_default(spec, "manualSelector", false);
    }
}

impl CreateStrategy for Job {
    fn prepare_create(&self, object: &mut Value) {
        if object["spec"].flag("manualSelector") != Some(true) {
            generate_selector(object);
        }
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(object)
    }
}

impl UpdateStrategy for Job {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate(object);
        let (spec, old) = (&object["spec"], &old["spec"]);
        let path = Path::new("spec");
        let indexed = spec.text("completionMode") == "Indexed";
        let mut frozen =
            vec!["selector", "podFailurePolicy", "completionMode", "backoffLimitPerIndex", "managedBy"];
        if !indexed {
            frozen.insert(0, "completions");
        }
        for key in frozen {
            if spec[key] != old[key] {
                errors.push(FieldError::invalid(path.child(key), spec[key].clone(), "field is immutable"));
            }
        }
        if spec["template"] != old["template"] && old.flag("suspend") != Some(true) {
            let value = spec["template"].clone();
            errors.push(FieldError::invalid(path.child("template"), value, "field is immutable"));
        }
        errors
    }
}

impl DeleteStrategy for Job {
    fn orphans_by_default(&self) -> bool {
        true
    }

    fn delete_warning(&self) -> Option<&'static str> {
        Some(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove \
             them or set propagationPolicy=Orphan to suppress this warning",
        )
    }
}

impl StatusStrategy for Job {}

/// Defaults that a Job and the template of a `CronJob` share.
pub(super) fn complete_job(spec: &mut Value) {
    set_pod_spec_defaults(object_mut(object_mut(spec, "template"), "spec"));
}

/// Generates the labels with name and uid, also the unprefixed ones, and the selector for the uid.
fn generate_selector(object: &mut Value) {
    let metadata = &object["metadata"];
    let (name, uid) = (metadata.text("name").to_owned(), metadata.text("uid").to_owned());
    let spec = object_mut(object, "spec");
    let labels = object_mut(object_mut(object_mut(spec, "template"), "metadata"), "labels");
    for (key, value) in [("job-name", &name), (NAME, &name), ("controller-uid", &uid), (UID, &uid)] {
        if labels.get(key).is_none() {
            set(labels, key, value.as_str());
        }
    }
    let selector = object_mut(object_mut(spec, "selector"), "matchLabels");
    if selector.get(UID).is_none() {
        set(selector, UID, uid);
    }
}

fn validate(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let path = Path::new("spec");
    let mut errors = generated_label_errors(object);
    errors.extend(numbers(&path, spec));
    let at = path.child("selector");
    if spec.has("selector") {
        errors.extend(labels::selector(&at, &spec["selector"]));
    } else {
        errors.push(FieldError::required(at, ""));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if !spec.has("selector") || !LabelSelector::object_selects(&spec["selector"], labels) {
        let at = path.child("template").child("metadata").child("labels");
        let why = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(at, labels.clone(), why));
    }
    errors.extend(job_template(&path, spec));
    errors
}

/// Errors of numbers and the completion mode, which a `CronJob`'s template has, too.
pub(super) fn numbers(path: &Path, spec: &Value) -> Vec<FieldError> {
    let keys = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    let mut errors: Vec<_> = keys.iter().filter_map(|key| not_negative(path, spec, key)).collect();
    let (mode, known) = (spec.text("completionMode"), ["NonIndexed", "Indexed"]);
    if !mode.is_empty() && !known.contains(&mode) {
        errors.push(FieldError::not_supported(path.child("completionMode"), mode.into(), &known));
    }
    if mode == "Indexed" && !spec.has("completions") {
        let why = "when completion mode is Indexed";
        errors.push(FieldError::required(path.child("completions"), why));
    }
    errors.extend(policies::check(path, spec));
    errors
}

/// Errors of the Pod template, whose restart policy must be `OnFailure` or `Never`.
pub(super) fn job_template(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = template(&path.child("template"), &spec["template"]);
    let at = path.child("template").child("spec").child("restartPolicy");
    match spec["template"]["spec"].text("restartPolicy") {
        "OnFailure" if spec.has("podFailurePolicy") => {
            let why = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(at, "OnFailure".into(), why));
        }
        "OnFailure" | "Never" => {}
        "" | "Always" => {
            errors.push(FieldError::required(at, "valid values: \"OnFailure\", \"Never\""));
        }
        other => {
            errors.push(FieldError::not_supported(at, other.into(), &["OnFailure", "Never"]));
        }
    }
    errors
}

/// Errors of a selector and labels that differ from the generated ones, unless `manualSelector` is set.
fn generated_label_errors(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    if spec.flag("manualSelector") == Some(true) {
        return Vec::new();
    }
    let (name, uid) = (&object["metadata"]["name"], &object["metadata"]["uid"]);
    let at = Path::new("spec.template.metadata.labels");
    let labels = &spec["template"]["metadata"]["labels"];
    let mut errors = Vec::new();
    for (key, expected) in [("controller-uid", uid), ("job-name", name), (UID, uid), (NAME, name)] {
        let held = &labels[key];
        if held.is_null() {
            let why = format!("must be '{}'", expected.as_str().unwrap_or_default());
            errors.push(FieldError::required(at.key(key), why));
        } else if held != expected {
            let why = format!("must be '{}'", expected.as_str().unwrap_or_default());
            errors.push(FieldError::invalid(at.key(key), labels.clone(), why));
        }
    }
    let selector = &spec["selector"];
    if *selector != json!({"matchLabels": {UID: uid}})
        && *selector != json!({"matchLabels": {"controller-uid": uid}})
    {
        errors.push(FieldError::invalid("spec.selector", selector.clone(), "`selector` not auto-generated"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(spec: Value) -> Value {
        let mut object = json!({"metadata": {"name": "d", "uid": "u"}});
        object["spec"] = spec;
        Job.prepare_create(&mut object);
        Job.apply_defaults(&mut object);
        object
    }

    fn texts(object: &Value) -> Vec<String> {
        Job.validate_create(object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn selector_and_labels_are_generated_from_the_uid() {
        let object = job(
            json!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}}),
        );
        assert_eq!(texts(&object), [""; 0]);
        assert_eq!(object["spec"]["selector"], json!({"matchLabels": {UID: "u"}}));
        assert_eq!(
            object["metadata"]["labels"],
            json!({"controller-uid": "u", "job-name": "d", UID: "u", NAME: "d"})
        );
        assert_eq!(object["spec"]["completions"], 1);
    }

    #[test]
    fn restart_policy_always_is_rejected() {
        let object = job(json!({"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}}));
        assert_eq!(
            texts(&object),
            ["spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""]
        );
    }

    #[test]
    fn negative_numbers_and_manual_selector_are_rejected() {
        let object =
            job(json!({"selector": {"matchLabels": {"app": "x"}}, "parallelism": -1, "completions": -1,
            "backoffLimit": -1, "activeDeadlineSeconds": -1, "completionMode": "x",
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}}));
        assert_eq!(
            texts(&object),
            [
                "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"x\",\"batch.kubernetes.io/controller-uid\":\"u\"}}: `selector` not auto-generated",
                "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
                "spec.completions: Invalid value: -1: must be greater than or equal to 0",
                "spec.activeDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
                "spec.completionMode: Unsupported value: \"x\": supported values: \"NonIndexed\", \"Indexed\"",
                "spec.template.metadata.labels: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"u\",\"batch.kubernetes.io/job-name\":\"d\",\"controller-uid\":\"u\",\"job-name\":\"d\"}: `selector` does not match template `labels`",
            ]
        );
    }
}
