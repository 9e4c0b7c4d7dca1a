//! Validation of a Pod's spec, in the order in which kube-apiserver 1.37 reports errors.

use serde_json::{Value, json};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::enums::required_one_of;
use crate::kinds::rules::names::{dns_label, dns_subdomain, qualified_name};
use crate::kinds::rules::numbers::{not_negative, within};
use crate::kinds::rules::{ip, labels};
use crate::object::view::fields::FieldAccess;

use super::containers::PodContext;
use super::{affinity, app_armor, containers, dns, resources, scheduling, security, spread, volumes};

/// The parent object of a Pod spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodSpecParent {
    /// A Pod.
    Pod,
    /// A template of Pods.
    Template,
}

/// Errors of a Pod template: labels and annotations, then the spec.
pub(crate) fn template(path: &Path, template: &Value) -> Vec<FieldError> {
    let metadata = &template["metadata"];
    let mut errors = labels::map(&path.child("labels"), &metadata["labels"]);
    errors.extend(annotations(&path.child("annotations"), &metadata["annotations"]));
    errors.extend(app_armor::annotations(&path.child("annotations"), metadata, &template["spec"]));
    errors.extend(spec(&path.child("spec"), &template["spec"], PodSpecParent::Template));
    errors.extend(app_armor::contradictions(&path.child("spec"), metadata, &template["spec"]));
    if !template["spec"].list("ephemeralContainers").is_empty() {
        let at = path.child("spec").child("ephemeralContainers");
        errors.push(FieldError::forbidden(at, "ephemeral containers not allowed in pod template"));
    }
    errors
}

fn annotations(path: &Path, annotations: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        errors.extend(invalid_each(path, key, qualified_name(&key.to_lowercase())));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > 256 * 1024 {
        errors.push(FieldError::too_long(path, 256 * 1024));
    }
    errors
}

/// Errors of the spec of a Pod or Pod template.
pub(crate) fn spec(path: &Path, spec: &Value, parent: PodSpecParent) -> Vec<FieldError> {
    let (volumes, mut errors) = volumes::check(&path.child("volumes"), spec.list("volumes"));
    let around = PodContext { spec, volumes };
    errors.extend(containers::regular(path, &around));
    errors.extend(containers::init(path, &around));
    errors.extend(resources::of_pod(&path.child("resources"), &spec["resources"]));
    errors.extend(containers::host_network(path, spec, parent));
    errors.extend(required_one_of(path, spec, "restartPolicy", &["Always", "OnFailure", "Never"]));
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    errors.extend(required_one_of(path, spec, "dnsPolicy", &policies));
    errors.extend(labels::map(&path.child("nodeSelector"), &spec["nodeSelector"]));
    errors.extend(security::pod(&path.child("securityContext"), &spec["securityContext"]));
    if spec.flag("shareProcessNamespace") == Some(true) && spec.flag("hostPID") == Some(true) {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(path.child("shareProcessNamespace"), true.into(), why));
    }
    errors.extend(affinity::check(&path.child("affinity"), &spec["affinity"]));
    errors.extend(dns::check(path, spec));
    errors.extend(scheduling::gates(path, spec));
    let spread = spec.list("topologySpreadConstraints");
    errors.extend(spread::check(&path.child("topologySpreadConstraints"), spread));
    errors.extend(host_users(path, spec));
    errors.extend(host_name(path, spec));
    errors.extend(named(path, spec));
    if let Some(seconds) = within(path, spec, "activeDeadlineSeconds", 1, i64::from(i32::MAX)) {
        errors.push(seconds);
    }
    for key in ["hostname", "subdomain"] {
        let text = spec.text(key);
        if !text.is_empty() {
            errors.extend(invalid_each(&path.child(key), text, dns_label(text)));
        }
    }
    errors.extend(scheduling::tolerations(&path.child("tolerations"), spec.list("tolerations")));
    errors.extend(host_aliases(&path.child("hostAliases"), spec.list("hostAliases")));
    for key in ["priorityClassName", "runtimeClassName"] {
        let text = spec.text(key);
        if !text.is_empty() {
            errors.extend(invalid_each(&path.child(key), text, dns_subdomain(text)));
        }
    }
    if spec.has("preemptionPolicy") {
        errors.extend(required_one_of(path, spec, "preemptionPolicy", &["PreemptLowerPriority", "Never"]));
    }
    let overhead = json!({"limits": spec["overhead"]});
    errors.extend(resources::check(&path.child("overhead"), &overhead));
    errors.extend(os_error(&path.child("os"), &spec["os"]));
    errors
}

/// Errors that kube-apiserver reports for Pods, but for compatibility not for Pod templates.
pub(crate) fn pod_only(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.text("serviceAccountName").is_empty() {
        for (index, volume) in spec.list("volumes").iter().enumerate() {
            let at = path.child("volumes").index(index).child("projected").child("sources");
            for (index, source) in volume["projected"].list("sources").iter().enumerate() {
                if source.has("serviceAccountToken") {
                    let why = "must not be specified when serviceAccountName is not set";
                    errors.push(FieldError::forbidden(at.index(index).child("serviceAccountToken"), why));
                }
            }
        }
    }
    errors.extend(not_negative(path, spec, "terminationGracePeriodSeconds"));
    for list in ["containers", "initContainers"] {
        for (index, container) in spec.list(list).iter().enumerate() {
            let at = path.child(list).index(index).child("image");
            errors.extend(containers::untrimmed_image(&at, container.text("image")));
        }
    }
    errors
}

/// The server reports an unknown OS at the parent field.
fn os_error(path: &Path, os: &Value) -> Option<FieldError> {
    let known = ["linux", "windows"];
    match os.text("name") {
        _ if os.is_null() => None,
        "" => Some(FieldError::required(path.child("name"), "")),
        name if known.contains(&name) => None,
        name => Some(FieldError::not_supported(path, name.into(), &known)),
    }
}

fn host_users(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.flag("hostUsers") == Some(false) {
        // The server's paths have these capital letters.
        for (key, place) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
            if spec.flag(key) == Some(true) {
                errors.push(FieldError::forbidden(path.child(place), "when `hostUsers` is false"));
            }
        }
    }
    errors
}

fn host_name(path: &Path, spec: &Value) -> Vec<FieldError> {
    let (name, at) = (spec.text("hostnameOverride"), path.child("hostnameOverride"));
    if !spec.has("hostnameOverride") {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for key in ["setHostnameAsFQDN", "hostNetwork"] {
        if spec.flag(key) == Some(true) {
            errors.push(FieldError::forbidden(&at, format!("may not be specified when {key} is true")));
        }
    }
    if name.len() > 64 {
        errors.push(FieldError::too_long(&at, 64));
    }
    errors.extend(invalid_each(&at, name, dns_subdomain(name)));
    errors
}

fn named(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["serviceAccountName", "nodeName"] {
        let text = spec.text(key);
        if !text.is_empty() {
            errors.extend(invalid_each(&path.child(key), text, dns_subdomain(text)));
        }
    }
    errors
}

fn host_aliases(path: &Path, aliases: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, alias) in aliases.iter().enumerate() {
        let at = path.index(index);
        errors.extend(ip::address(&at.child("ip"), alias.text("ip")));
        for (index, name) in alias.list("hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            errors.extend(invalid_each(&at.child("hostnames").index(index), name, dns_subdomain(name)));
        }
    }
    errors
}
