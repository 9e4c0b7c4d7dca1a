//! Validation of probes and lifecycle hooks.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::form;
use crate::kinds::rules::numbers::not_negative;
use crate::kinds::rules::ports;
use crate::object::view::fields::FieldAccess;

/// Errors of a container's hooks and probes. `grace` is the Pod's termination grace period in seconds.
pub(super) fn check(path: &Path, container: &Value, grace: Option<i64>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for hook in ["postStart", "preStop"] {
        if container["lifecycle"].has(hook) {
            let (at, hook) = (path.child("lifecycle").child(hook), &container["lifecycle"][hook]);
            errors.extend(handler(&at, hook));
            errors.extend(sleep(&at.child("sleep"), &hook["sleep"], grace));
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let (at, probe) = (path.child(name), &container[name]);
        if !container.has(name) {
            continue;
        }
        errors.extend(common(&at, probe));
        if name == "readinessProbe" {
            if let Some(seconds) = probe.number("terminationGracePeriodSeconds") {
                let at = at.child("terminationGracePeriodSeconds");
                errors.push(FieldError::invalid(at, seconds.into(), "must not be set for readinessProbes"));
            }
        } else if let Some(threshold) = probe.number("successThreshold").filter(|threshold| *threshold != 1) {
            errors.push(FieldError::invalid(at.child("successThreshold"), threshold.into(), "must be 1"));
        }
    }
    errors
}

fn common(path: &Path, probe: &Value) -> Vec<FieldError> {
    let mut errors = handler(path, probe);
    for key in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        errors.extend(not_negative(path, probe, key));
    }
    let key = "terminationGracePeriodSeconds";
    if let Some(seconds) = probe.number(key).filter(|seconds| *seconds <= 0) {
        errors.push(FieldError::invalid(path.child(key), seconds.into(), "must be greater than 0"));
    }
    errors
}

fn handler(path: &Path, handler: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut given = 0;
    for key in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"].into_iter().filter(|key| handler.has(key)) {
        let (at, action) = (path.child(key), &handler[key]);
        given += 1;
        if given > 1 {
            errors.push(FieldError::forbidden(&at, "may not specify more than 1 handler type"));
            continue;
        }
        match key {
            "exec" if action.list("command").is_empty() => {
                errors.push(FieldError::required(at.child("command"), ""));
            }
            "httpGet" => errors.extend(http(&at, action)),
            "tcpSocket" => errors.extend(ports::number_or_name(&at.child("port"), &action["port"])),
            "grpc" => {
                errors.extend(ports::number(&at.child("port"), action.number("port").unwrap_or_default()));
            }
            _ => {}
        }
    }
    if given == 0 {
        errors.push(FieldError::required(path, "must specify a handler type"));
    }
    errors
}

fn sleep(path: &Path, action: &Value, grace: Option<i64>) -> Option<FieldError> {
    let grace = grace.filter(|_| !action.is_null())?;
    let seconds = action.number("seconds").unwrap_or_default();
    let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
    (!(0..=grace).contains(&seconds)).then(|| FieldError::invalid(path, seconds.into(), why))
}

fn http(path: &Path, action: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if action.text("path").is_empty() {
        errors.push(FieldError::required(path.child("path"), ""));
    }
    errors.extend(ports::number_or_name(&path.child("port"), &action["port"]));
    let known = ["HTTP", "HTTPS"];
    if !known.contains(&action.text("scheme")) {
        errors.push(FieldError::not_supported(path.child("scheme"), action.text("scheme").into(), &known));
    }
    for header in action.list("httpHeaders") {
        let name = header.text("name");
        let right = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !right {
            let sentence = "a valid HTTP header must consist of alphanumeric characters or '-'";
            let why = form(sentence, "[-A-Za-z0-9]+", &["X-Header-Name"]);
            errors.extend(invalid_each(&path.child("httpHeaders"), name, vec![why]));
        }
    }
    errors
}
