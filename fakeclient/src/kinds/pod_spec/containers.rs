//! Validation of containers and init containers: names, images, ports, mounts and devices.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::enums::required_one_of;
use crate::kinds::rules::names::{dns_label, port_name};
use crate::kinds::rules::ports;
use crate::object::view::fields::FieldAccess;

use super::check::PodSpecParent;
use super::volumes::{ValidVolumes, relative_path};
use super::{env, probes, resources, security};

/// The Pod spec of a container, and its valid volumes.
pub(super) struct PodContext<'s> {
    pub(super) spec: &'s Value,
    pub(super) volumes: ValidVolumes,
}

impl PodContext<'_> {
    fn grace(&self) -> Option<i64> {
        self.spec.number("terminationGracePeriodSeconds")
    }
}

/// Errors of the main containers.
pub(super) fn regular(path: &Path, pod: &PodContext<'_>) -> Vec<FieldError> {
    let path = path.child("containers");
    let all = pod.spec.list("containers");
    if all.is_empty() {
        return vec![FieldError::required(&path, "")];
    }
    let mut errors = Vec::new();
    for (index, container) in all.iter().enumerate() {
        let at = path.index(index);
        errors.extend(common_errors(&at, container, pod));
        let name = container.text("name");
        if all[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(at.child("name"), name.into()));
        }
        errors.extend(probes::check(&at, container, pod.grace()));
        errors.extend(restart_policy(&at, container));
    }
    errors.extend(host_ports(&path, all));
    errors
}

/// Errors of the init containers, sidecars included.
pub(super) fn init(path: &Path, pod: &PodContext<'_>) -> Vec<FieldError> {
    let (spec, path) = (pod.spec, path.child("initContainers"));
    let mut names: BTreeSet<&str> = spec.list("containers").iter().map(|c| c.text("name")).collect();
    let mut errors = Vec::new();
    for (index, container) in spec.list("initContainers").iter().enumerate() {
        let at = path.index(index);
        errors.extend(common_errors(&at, container, pod));
        errors.extend(restart_policy(&at, container));
        let name = container.text("name");
        if !names.insert(name) {
            errors.push(FieldError::duplicate(at.child("name"), name.into()));
        }
        // The server validates each init container's ports alone, so they have index 0.
        errors.extend(host_ports(&path, std::slice::from_ref(container)));
        if container.text("restartPolicy") == "Always" {
            errors.extend(probes::check(&at, container, pod.grace()));
            continue;
        }
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if container.has(key) {
                let why = "may not be set for init containers without restartPolicy=Always";
                errors.push(FieldError::forbidden(at.child(key), why));
            }
        }
    }
    errors
}

fn common_errors(path: &Path, container: &Value, pod: &PodContext<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = container.text("name");
    if name.is_empty() {
        errors.push(FieldError::required(path.child("name"), ""));
    } else {
        errors.extend(invalid_each(&path.child("name"), name, dns_label(name)));
    }
    if container.text("image").is_empty() {
        errors.push(FieldError::required(path.child("image"), ""));
    }
    errors.extend(required_one_of(
        path,
        container,
        "terminationMessagePolicy",
        &["File", "FallbackToLogsOnError"],
    ));
    errors.extend(container_ports(&path.child("ports"), container.list("ports")));
    errors.extend(env::env_errors(&path.child("env"), container.list("env")));
    errors.extend(env::sources(&path.child("envFrom"), container.list("envFrom")));
    errors.extend(mounts(path, container, pod));
    errors.extend(devices(path, container, pod));
    errors.extend(required_one_of(path, container, "imagePullPolicy", &["Always", "IfNotPresent", "Never"]));
    errors.extend(resources::check(&path.child("resources"), &container["resources"]));
    let policies = container.list("resizePolicy");
    let restart = pod.spec.text("restartPolicy");
    errors.extend(resources::resize_policy(&path.child("resizePolicy"), policies, restart));
    let own_users = pod.spec.flag("hostUsers") == Some(false);
    errors.extend(security::container(
        &path.child("securityContext"),
        &container["securityContext"],
        own_users,
    ));
    errors
}

fn restart_policy(path: &Path, container: &Value) -> Vec<FieldError> {
    let (policy, rules) = (container.text("restartPolicy"), container.list("restartPolicyRules"));
    let at = path.child("restartPolicy");
    let known = ["Always", "Never", "OnFailure"];
    let mut errors = Vec::new();
    if !container.has("restartPolicy") {
        if !rules.is_empty() {
            let why = "must specify restartPolicy when restart rules are used";
            errors.push(FieldError::required(&at, why));
        }
    } else if !known.contains(&policy) {
        errors.push(FieldError::not_supported(&at, policy.into(), &known));
    }
    for (index, rule) in rules.iter().enumerate() {
        let at = path.child("restartPolicyRules").index(index);
        let actions = ["Restart", "RestartAllContainers"];
        if !actions.contains(&rule.text("action")) {
            let action = rule.text("action").into();
            errors.push(FieldError::not_supported(at.child("action"), action, &actions));
        }
        let operators = ["In", "NotIn"];
        if !rule.has("exitCodes") {
            errors.push(FieldError::required(at.child("exitCodes"), "must be specified"));
        } else if !operators.contains(&rule["exitCodes"].text("operator")) {
            let operator = rule["exitCodes"].text("operator").into();
            let at = at.child("exitCodes").child("operator");
            errors.push(FieldError::not_supported(at, operator, &operators));
        }
    }
    errors
}

fn container_ports(path: &Path, all: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, port) in all.iter().enumerate() {
        let at = path.index(index);
        let name = port.text("name");
        if !name.is_empty() {
            let wrong = port_name(name);
            if !wrong.is_empty() {
                errors.extend(invalid_each(&at.child("name"), name, wrong));
            } else if !names.insert(name) {
                errors.push(FieldError::duplicate(at.child("name"), name.into()));
            }
        }
        match port.number("containerPort").unwrap_or_default() {
            0 => errors.push(FieldError::required(at.child("containerPort"), "")),
            number => errors.extend(ports::number(&at.child("containerPort"), number)),
        }
        if let Some(number) = port.number("hostPort").filter(|number| *number != 0) {
            errors.extend(ports::number(&at.child("hostPort"), number));
        }
        errors.extend(ports::protocol(&at.child("protocol"), port.text("protocol")));
    }
    errors
}

/// Errors of host ports that several containers use.
fn host_ports(path: &Path, containers: &[Value]) -> Vec<FieldError> {
    let mut taken = BTreeSet::new();
    let mut errors = Vec::new();
    for (at_container, container) in containers.iter().enumerate() {
        for (at_port, port) in container.list("ports").iter().enumerate() {
            let Some(number) = port.number("hostPort").filter(|number| *number != 0) else { continue };
            let place = format!("{}/{}/{number}", port.text("protocol"), port.text("hostIP"));
            if !taken.insert(place.clone()) {
                let at = path.index(at_container).child("ports").index(at_port).child("hostPort");
                errors.push(FieldError::duplicate(at, place.into()));
            }
        }
    }
    errors
}

/// Errors of container ports that differ from their host ports, for a Pod on the host network.
pub(super) fn host_network(path: &Path, spec: &Value, parent: PodSpecParent) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.flag("hostNetwork") != Some(true) {
        return errors;
    }
    for (at_container, container) in spec.list("containers").iter().enumerate() {
        for (at_port, port) in container.list("ports").iter().enumerate() {
            let number = |key: &str| port.number(key).unwrap_or_default();
            let counts = parent == PodSpecParent::Pod || number("hostPort") != 0;
            if counts && number("hostPort") != number("containerPort") {
                let at = path.child("containers").index(at_container).child("ports").index(at_port);
                let why = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(at.child("hostPort"), number("hostPort").into(), why));
            }
        }
    }
    errors
}

fn mounts(path: &Path, container: &Value, pod: &PodContext<'_>) -> Vec<FieldError> {
    let all = container.list("volumeMounts");
    let path = path.child("volumeMounts");
    let mut errors = Vec::new();
    for (index, mount) in all.iter().enumerate() {
        let at = path.index(index);
        let (name, target) = (mount.text("name"), mount.text("mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(at.child("name"), ""));
        }
        if !pod.volumes.contains_key(name) {
            errors.push(FieldError::not_found(at.child("name"), name.into()));
        }
        if target.is_empty() {
            errors.push(FieldError::required(at.child("mountPath"), ""));
        }
        if all[..index].iter().any(|other| other.text("mountPath") == target) {
            errors.push(FieldError::invalid(at.child("mountPath"), target.into(), "must be unique"));
        }
        for device in container.list("volumeDevices") {
            if device.text("name") == name {
                let why = "must not already exist in volumeDevices";
                errors.push(FieldError::invalid(at.child("name"), name.into(), why));
            }
            if device.text("devicePath") == target {
                let why = "must not already exist as a path in volumeDevices";
                errors.push(FieldError::invalid(at.child("mountPath"), target.into(), why));
            }
        }
        errors.extend(sub_paths(&path, &at, mount));
        errors.extend(propagation(&path, mount, container));
        errors.extend(recursive_read_only(&path.child("recursiveReadOnly"), mount));
    }
    errors
}

/// The server omits the index in these paths.
fn sub_paths(list: &Path, at: &Path, mount: &Value) -> Vec<FieldError> {
    let (sub, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
    let mut errors = Vec::new();
    if !sub.is_empty() {
        errors.extend(relative_path(&list.child("subPath"), sub));
    }
    if !expression.is_empty() {
        if !sub.is_empty() {
            let why = "subPathExpr and subPath are mutually exclusive";
            errors.push(FieldError::invalid(at.child("subPathExpr"), expression.into(), why));
        }
        errors.extend(relative_path(&list.child("subPathExpr"), expression));
    }
    errors
}

fn propagation(list: &Path, mount: &Value, container: &Value) -> Vec<FieldError> {
    let at = list.child("mountPropagation");
    let known = ["Bidirectional", "HostToContainer", "None"];
    let mut errors = Vec::new();
    if mount.has("mountPropagation") {
        let kind = mount.text("mountPropagation");
        if !known.contains(&kind) {
            errors.push(FieldError::not_supported(&at, kind.into(), &known));
        }
        if kind == "Bidirectional" && container["securityContext"].flag("privileged") != Some(true) {
            let why = "Bidirectional mount propagation is available only to privileged containers";
            errors.push(FieldError::forbidden(&at, why));
        }
    }
    errors
}

/// The server omits the index in this path, too.
fn recursive_read_only(path: &Path, mount: &Value) -> Vec<FieldError> {
    let known = ["Disabled", "Enabled", "IfPossible"];
    let mut errors = Vec::new();
    match mount.text("recursiveReadOnly") {
        _ if !mount.has("recursiveReadOnly") => {}
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if mount.flag("readOnly") != Some(true) {
                errors.push(FieldError::forbidden(path, "may only be specified when readOnly is true"));
            }
            if !["", "None"].contains(&mount.text("mountPropagation")) {
                let why = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(path, why));
            }
        }
        other => errors.push(FieldError::not_supported(path, other.into(), &known)),
    }
    errors
}

fn devices(path: &Path, container: &Value, pod: &PodContext<'_>) -> Vec<FieldError> {
    let all = container.list("volumeDevices");
    let mounts = container.list("volumeMounts");
    let mut errors = Vec::new();
    for (index, device) in all.iter().enumerate() {
        let at = path.child("volumeDevices").index(index);
        let (at_name, at_path) = (at.child("name"), at.child("devicePath"));
        let (name, place) = (device.text("name"), device.text("devicePath"));
        let climbs = place.split('/').any(|step| step == "..");
        let say = |at: &Path, value: &str, why: &str| FieldError::invalid(at, value.into(), why);
        if name.is_empty() {
            errors.push(FieldError::required(&at_name, ""));
        } else if all[..index].iter().any(|other| other.text("name") == name) {
            errors.push(say(&at_name, name, "must be unique"));
        }
        match pod.volumes.get(name) {
            Some(true) => {}
            Some(false) => {
                let why =
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.push(say(&at_name, name, why));
            }
            None => errors.push(FieldError::not_found(&at_name, name.into())),
        }
        if place.is_empty() {
            errors.push(FieldError::required(&at_path, ""));
        }
        if !climbs && all[..index].iter().any(|other| other.text("devicePath") == place) {
            errors.push(say(&at_path, place, "must be unique"));
        }
        if climbs {
            errors.push(say(&at_path, place, "can not contain backsteps ('..')"));
        }
        if mounts.iter().any(|mount| mount.text("name") == name) {
            errors.push(say(&at_name, name, "must not already exist in volumeMounts"));
        }
        if mounts.iter().any(|mount| mount.text("mountPath") == place) {
            errors.push(say(&at_path, place, "must not already exist as a path in volumeMounts"));
        }
    }
    errors
}

/// The error of an image with surrounding white space, in Pods but not in templates.
pub(crate) fn untrimmed_image(path: &Path, image: &str) -> Option<FieldError> {
    let padded = image.trim().len() != image.len();
    let why = "must not have leading or trailing whitespace";
    padded.then(|| FieldError::invalid(path, image.into(), why))
}
