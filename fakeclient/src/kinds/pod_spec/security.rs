//! Validation of security contexts.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::numbers::within;
use crate::object::view::fields::FieldAccess;

use super::app_armor;
use super::volumes::relative_path;

const MAX_ID: i64 = i32::MAX as i64;

/// Errors of a Pod's security context.
pub(super) fn pod(path: &Path, context: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        errors.extend(within(path, context, key, 0, MAX_ID));
    }
    for (index, group) in context.list("supplementalGroups").iter().enumerate() {
        if group.as_i64().is_some_and(|group| !(0..=MAX_ID).contains(&group)) {
            let why = format!("must be between 0 and {MAX_ID}, inclusive");
            errors.push(FieldError::invalid(
                path.child("supplementalGroups").index(index),
                group.clone(),
                why,
            ));
        }
    }
    errors.extend(sysctls(&path.child("sysctls"), context.list("sysctls")));
    if let Some(policy) = context["fsGroupChangePolicy"].as_str() {
        let known = ["Always", "OnRootMismatch"];
        if !known.contains(&policy) {
            let at = path.child("fsGroupChangePolicy");
            errors.push(FieldError::not_supported(at, policy.into(), &known));
        }
    }
    errors.extend(seccomp(&path.child("seccompProfile"), &context["seccompProfile"]));
    errors.extend(app_armor::profile(&path.child("appArmorProfile"), &context["appArmorProfile"]));
    let choices: [(&str, &[&str]); 2] = [
        ("supplementalGroupsPolicy", &["Merge", "Strict"]),
        ("seLinuxChangePolicy", &["MountOption", "Recursive"]),
    ];
    for (key, known) in choices {
        if context.has(key) && !known.contains(&context.text(key)) {
            errors.push(FieldError::not_supported(path.child(key), context.text(key).into(), known));
        }
    }
    errors
}

/// Errors of `sysctls`.
fn sysctls(path: &Path, all: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, parameter) in all.iter().enumerate() {
        let (name, at) = (parameter.text("name"), path.index(index).child("name"));
        if name.is_empty() {
            errors.push(FieldError::required(&at, ""));
        } else if name.len() > 253 || !name.split(['.', '/']).all(is_segment) {
            let segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
            let why =
                format!("must have at most 253 characters and match regex ^({segment}[\\./])*{segment}$");
            errors.push(FieldError::invalid(&at, name.into(), why));
        } else if all[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at, name.into()));
        }
    }
    errors
}

fn is_segment(text: &str) -> bool {
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    ends(text.bytes().next()) && ends(text.bytes().last()) && text.bytes().all(right)
}

/// Errors of a container's security context. `own_users` is true if the Pod has its own user namespace.
pub(super) fn container(path: &Path, context: &Value, own_users: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["runAsUser", "runAsGroup"] {
        errors.extend(within(path, context, key, 0, MAX_ID));
    }
    let mounts = ["Default", "Unmasked"];
    if context.has("procMount") && !mounts.contains(&context.text("procMount")) {
        let at = path.child("procMount");
        errors.push(FieldError::not_supported(at, context.text("procMount").into(), &mounts));
    }
    if context.text("procMount") == "Unmasked" && !own_users {
        let why = "`hostUsers` must be false to use `Unmasked`";
        errors.push(FieldError::invalid(path.child("procMount"), "Unmasked".into(), why));
    }
    errors.extend(seccomp(&path.child("seccompProfile"), &context["seccompProfile"]));
    if context.flag("allowPrivilegeEscalation") == Some(false) {
        let mut contradiction = |why: &str| {
            errors.push(FieldError::invalid(path, context.clone(), why).shown_as(go_context(context)));
        };
        if context.flag("privileged") == Some(true) {
            contradiction("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        if context["capabilities"].list("add").contains(&json!("CAP_SYS_ADMIN")) {
            contradiction(
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            );
        }
    }
    errors.extend(app_armor::profile(&path.child("appArmorProfile"), &context["appArmorProfile"]));
    errors
}

fn seccomp(path: &Path, profile: &Value) -> Vec<FieldError> {
    if profile.is_null() {
        return Vec::new();
    }
    let kind = profile.text("type");
    let known = ["Localhost", "RuntimeDefault", "Unconfined"];
    let mut errors = Vec::new();
    if kind.is_empty() {
        errors.push(FieldError::required(path.child("type"), "type is required when seccompProfile is set"));
    } else if !known.contains(&kind) {
        errors.push(FieldError::not_supported(path.child("type"), kind.into(), &known));
    }
    let at = path.child("localhostProfile");
    match (kind, profile["localhostProfile"].as_str()) {
        ("Localhost", None) => {
            errors.push(FieldError::required(&at, "must be set when seccomp type is Localhost"));
        }
        ("Localhost", Some(file)) => errors.extend(relative_path(&at, file)),
        (_, Some(file)) => {
            let shown = format!(r#"{{"Type":{},"LocalhostProfile":{}}}"#, json!(kind), json!(file));
            let why = "can only be set when seccomp type is Localhost";
            errors.push(FieldError::invalid(&at, profile.clone(), why).shown_as(shown));
        }
        (_, None) => {}
    }
    errors
}

/// The Go struct as error messages print it, in the order of its fields.
fn go_context(context: &Value) -> String {
    let capabilities = match &context["capabilities"] {
        Value::Object(map) => {
            let list = |key: &str| map.get(key).unwrap_or(&Value::Null).to_string();
            format!(r#"{{"Add":{},"Drop":{}}}"#, list("add"), list("drop"))
        }
        _ => "null".to_owned(),
    };
    let mut text = format!(r#"{{"Capabilities":{capabilities}"#);
    for (name, key) in [
        ("Privileged", "privileged"),
        ("SELinuxOptions", "seLinuxOptions"),
        ("WindowsOptions", "windowsOptions"),
        ("RunAsUser", "runAsUser"),
        ("RunAsGroup", "runAsGroup"),
        ("RunAsNonRoot", "runAsNonRoot"),
        ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
        ("AllowPrivilegeEscalation", "allowPrivilegeEscalation"),
        ("ProcMount", "procMount"),
        ("SeccompProfile", "seccompProfile"),
        ("AppArmorProfile", "appArmorProfile"),
    ] {
        _ = write!(text, r#","{name}":{}"#, context[key]);
    }
    text.push('}');
    text
}
