//! Shared rules of workloads: selector, template labels, status counts and warnings.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::check::template;
use crate::kinds::pod_spec::warnings::warnings;
use crate::kinds::rules::labels;
use crate::kinds::rules::numbers::not_negative;
use crate::object::selector::label::LabelSelector;
use crate::object::view::fields::FieldAccess;
use crate::object::view::metadata;

/// Errors of a required, well-formed and non-empty selector. `kind` is the server's name for the workload.
pub(super) fn selector(path: &Path, spec: &Value, kind: &str) -> Vec<FieldError> {
    let at = path.child("selector");
    if !spec.has("selector") {
        return vec![FieldError::required(&at, "")];
    }
    let mut errors = labels::selector(&at, &spec["selector"]);
    if labels::is_empty(&spec["selector"]) {
        let why = format!("empty selector is invalid for {kind}");
        errors.push(invalid_selector(&at, &spec["selector"], &why));
    }
    errors
}

/// Errors of a template and its labels, which must match the selector. A malformed selector skips the template.
pub(super) fn template_errors(path: &Path, spec: &Value, controller: &str) -> Vec<FieldError> {
    let selector = &spec["selector"];
    let at = path.child("selector");
    if !labels::selector(&at, selector).is_empty() {
        return vec![invalid_selector(&at, selector, "invalid label selector")];
    }
    let mut errors = label_mismatch(path, spec);
    errors.extend(template(&path.child("template"), &spec["template"]));
    errors.extend(restart_policy_always(path, spec, controller));
    errors
}

/// The error of template labels that do not match the selector. An absent selector matches nothing.
pub(super) fn label_mismatch(path: &Path, spec: &Value) -> Vec<FieldError> {
    let (selector, metadata) = (&spec["selector"], &spec["template"]["metadata"]);
    if spec.has("selector") && LabelSelector::object_selects(selector, &metadata["labels"]) {
        return Vec::new();
    }
    let at = path.child("template").child("metadata").child("labels");
    vec![FieldError::invalid(at, metadata["labels"].clone(), "`selector` does not match template `labels`")]
}

/// Restart policy `Always` is required and `activeDeadlineSeconds` is forbidden.
pub(super) fn restart_policy_always(path: &Path, spec: &Value, controller: &str) -> Vec<FieldError> {
    let (at, pod) = (path.child("template").child("spec"), &spec["template"]["spec"]);
    let mut errors = Vec::new();
    let policy = pod.text("restartPolicy");
    if policy != "Always" {
        errors.push(FieldError::not_supported(at.child("restartPolicy"), policy.into(), &["Always"]));
    }
    if pod.has("activeDeadlineSeconds") {
        let why = format!("activeDeadlineSeconds in {controller} is not Supported");
        errors.push(FieldError::forbidden(at.child("activeDeadlineSeconds"), why));
    }
    errors
}

/// The error prints the selector as a Go struct: labels before expressions.
pub(super) fn invalid_selector(path: &Path, selector: &Value, why: &str) -> FieldError {
    let mut parts = Vec::new();
    if selector.entries("matchLabels").next().is_some() {
        parts.push(format!("\"matchLabels\":{}", selector["matchLabels"]));
    }
    if !selector.list("matchExpressions").is_empty() {
        parts.push(format!("\"matchExpressions\":{}", selector["matchExpressions"]));
    }
    if selector.is_null() {
        return FieldError::invalid(path, Value::Null, why);
    }
    FieldError::invalid(path, selector.clone(), why).shown_as(format!("{{{}}}", parts.join(",")))
}

/// The error of a changed selector.
pub(super) fn immutable_selector(object: &Value, old: &Value) -> Option<FieldError> {
    let (new, old) = (&object["spec"]["selector"], &old["spec"]["selector"]);
    (new != old).then(|| invalid_selector(&Path::new("spec.selector"), new, "field is immutable"))
}

/// Errors of negative counts in a status, in the server's order.
pub(super) fn counts(status: &Value, keys: &[&str]) -> Vec<FieldError> {
    let path = Path::new("status");
    keys.iter().filter_map(|key| not_negative(&path, status, key)).collect()
}

/// The error of a partial count above the total, such as ready above all replicas.
pub(super) fn at_most(status: &Value, part: &str, whole: &str, shown: &str) -> Option<FieldError> {
    let count = |key: &str| status.number(key).unwrap_or_default();
    let why = format!("cannot be greater than {shown}");
    (count(part) > count(whole))
        .then(|| FieldError::invalid(Path::new("status").child(part), count(part).into(), why))
}

/// Warnings of a workload: of its name on create, and of its template if that may have changed.
pub(super) fn name_and_template_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    let name = if old.is_some() { None } else { name_warning(object) };
    name.into_iter().chain(template_warnings(object, old)).collect()
}

/// Warnings of the template of a workload that is new or has a new generation.
pub(super) fn template_warnings(object: &Value, old: Option<&Value>) -> Vec<String> {
    if old.is_some_and(|old| metadata::generation(old) == metadata::generation(object)) {
        return Vec::new();
    }
    warnings(&Path::new("spec.template"), &object["spec"]["template"])
}

/// The warning of a name that is no DNS label, since Pod and host names derive from it.
fn name_warning(object: &Value) -> Option<String> {
    let wrong = crate::kinds::rules::names::dns_label(object["metadata"].text("name"));
    (!wrong.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS \
             label is recommended: [{}]",
            wrong.join(" ")
        )
    })
}
