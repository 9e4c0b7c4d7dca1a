//! Environment variables and their sources.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::{config_key, dns_subdomain, env_name, qualified_name};
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

/// Pod fields that a variable may refer to.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Pod fields that a file may refer to.
pub(super) const FILE_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// All Pod fields of the downward API.
const FIELDS: [&str; 15] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.host",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Errors of `env`.
pub(super) fn env_errors(path: &Path, all: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, variable) in all.iter().enumerate() {
        let at = path.index(index);
        let name = variable.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(at.child("name"), ""));
        } else {
            errors.extend(invalid_each(&at.child("name"), name, env_name(name)));
        }
        if variable.has("valueFrom") {
            errors.extend(value_from(&at.child("valueFrom"), variable));
        }
    }
    errors
}

fn value_from(path: &Path, variable: &Value) -> Vec<FieldError> {
    let source = &variable["valueFrom"];
    let mut errors = Vec::new();
    let mut sources = 0;
    let mut each = |key: &str, check: &dyn Fn(&Path, &Value) -> Vec<FieldError>| {
        if source.has(key) {
            sources += 1;
            errors.extend(check(&path.child(key), &source[key]));
        }
    };
    each("fieldRef", &|path, reference| field(path, reference, &ENV_FIELDS));
    each("resourceFieldRef", &|path, reference| resource(path, reference, false));
    each("configMapKeyRef", &key);
    each("secretKeyRef", &key);
    each("fileKeyRef", &|_, _| Vec::new());
    let why = if sources == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    } else if !variable.text("value").is_empty() {
        "may not be specified when `value` is not empty"
    } else if sources > 1 {
        "may not have more than one field specified at a time"
    } else {
        return errors;
    };
    errors.push(FieldError::invalid(path, "".into(), why));
    errors
}

/// Errors of a `fieldRef`.
pub(super) fn field(path: &Path, reference: &Value, known: &[&str]) -> Vec<FieldError> {
    let (version, name) = (reference.text("apiVersion"), reference.text("fieldPath"));
    for (key, text) in [("apiVersion", version), ("fieldPath", name)] {
        if text.is_empty() {
            return vec![FieldError::required(path.child(key), "")];
        }
    }
    let at = path.child("fieldPath");
    let convert = |why: String| {
        vec![FieldError::invalid(&at, name.into(), format!("error converting fieldPath: {why}"))]
    };
    if version != "v1" {
        return convert(format!("unsupported pod version: {version}"));
    }
    if let Some((map, key)) = name.strip_suffix("']").and_then(|rest| rest.split_once("['")) {
        return match map {
            "metadata.annotations" => {
                invalid_each(path, &key.to_lowercase(), qualified_name(&key.to_lowercase()))
            }
            "metadata.labels" => invalid_each(path, key, qualified_name(key)),
            _ => convert(format!("field label does not support subscript: {name}")),
        };
    }
    if !FIELDS.contains(&name) {
        return convert(format!("field label not supported: {name}"));
    }
    let name = if name == "spec.host" { "spec.nodeName" } else { name };
    if known.contains(&name) {
        return Vec::new();
    }
    vec![FieldError::not_supported(&at, name.into(), known)]
}

/// Errors of a `resourceFieldRef`. In a volume, it must name the container.
pub(super) fn resource(path: &Path, reference: &Value, in_volume: bool) -> Vec<FieldError> {
    let name = reference.text("resource");
    let huge = name.starts_with("requests.hugepages-") || name.starts_with("limits.hugepages-");
    if in_volume && reference.text("containerName").is_empty() {
        vec![FieldError::required(path.child("containerName"), "")]
    } else if name.is_empty() {
        vec![FieldError::required(path.child("resource"), "")]
    } else if RESOURCES.contains(&name) || huge {
        divisor(path, reference, name).into_iter().collect()
    } else {
        vec![FieldError::not_supported(path.child("resource"), name.into(), &RESOURCES)]
    }
}

/// The error of an unsupported divisor: 1 or 1m for CPU, powers of 1000 or 1024 for bytes.
fn divisor(path: &Path, reference: &Value, name: &str) -> Option<FieldError> {
    let unit = Quantity::parse(reference.text("divisor")).ok().filter(|unit| unit.milli() != 0)?;
    let bytes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let what = match name.split_once('.')?.1 {
        "cpu" => "cpu",
        "memory" => "memory",
        "ephemeral-storage" => "local ephemeral storage",
        _ => "hugepages",
    };
    let (known, said): (&[&str], String) =
        if what == "cpu" { (&["1m", "1"], "1m and 1".to_owned()) } else { (&bytes, bytes.join(", ")) };
    let why = format!("only divisor's values {said} are supported with the {what} resource");
    (!known.contains(&unit.canonical().as_str()))
        .then(|| FieldError::invalid(path.child("divisor"), name.into(), why))
}

fn key(path: &Path, reference: &Value) -> Vec<FieldError> {
    let (name, key) = (reference.text("name"), reference.text("key"));
    let mut errors = invalid_each(&path.child("name"), name, dns_subdomain(name));
    if key.is_empty() {
        errors.push(FieldError::required(path.child("key"), ""));
    } else {
        errors.extend(invalid_each(&path.child("key"), key, config_key(key)));
    }
    errors
}

/// Errors of `envFrom`.
pub(super) fn sources(path: &Path, all: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, source) in all.iter().enumerate() {
        let at = path.index(index);
        let prefix = source.text("prefix");
        if !prefix.is_empty() {
            errors.extend(invalid_each(&at.child("prefix"), prefix, env_name(prefix)));
        }
        let given: Vec<_> = ["configMapRef", "secretRef"].into_iter().filter(|key| source.has(key)).collect();
        for key in &given {
            let (at, name) = (at.child(key).child("name"), source[*key].text("name"));
            if name.is_empty() {
                errors.push(FieldError::required(&at, ""));
            } else {
                errors.extend(invalid_each(&at, name, dns_subdomain(name)));
            }
        }
        // The server reports these two errors at the list.
        if given.is_empty() {
            let why = "must specify one of: `configMapRef` or `secretRef`";
            errors.push(FieldError::invalid(path, "".into(), why));
        } else if given.len() > 1 {
            let why = "may not have more than one field specified at a time";
            errors.push(FieldError::invalid(path, "".into(), why));
        }
    }
    errors
}
