//! Validation of `resources` and `resizePolicy`.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::qualified_name;
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

/// Container resources without a domain.
const CONTAINER_RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// All standard resources without a domain, those of quotas included.
const STANDARD_RESOURCES: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Resources of a Pod as a whole, in the server's order.
const POD_LEVEL_RESOURCES: [&str; 3] = ["cpu", "hugepages-", "memory"];

/// Errors of a container's `resources`.
pub(super) fn check(path: &Path, resources: &Value) -> Vec<FieldError> {
    requests_and_limits(path, resources, resource_name)
}

/// Errors of a Pod's `resources`.
pub(super) fn of_pod(path: &Path, resources: &Value) -> Vec<FieldError> {
    requests_and_limits(path, resources, |at, name| {
        let known = POD_LEVEL_RESOURCES.contains(&name) || is_huge(name);
        let unknown = (!known).then(|| FieldError::not_supported(at, name.into(), &POD_LEVEL_RESOURCES));
        let malformed = standard_name(at, name);
        if malformed.is_empty() { unknown.into_iter().collect() } else { malformed }
    })
}

/// Errors of a container's `resizePolicy`.
pub(super) fn resize_policy(path: &Path, policies: &[Value], restart: &str) -> Vec<FieldError> {
    let (names, kinds) = (["cpu", "memory"], ["NotRequired", "RestartContainer"]);
    let mut errors = Vec::new();
    for (index, policy) in policies.iter().enumerate() {
        let (name, kind) = (policy.text("resourceName"), policy.text("restartPolicy"));
        if policies[..index].iter().any(|other| other.text("resourceName") == name) {
            errors.push(FieldError::duplicate(path.index(index), name.into()));
        }
        // The server reports the other errors at the list.
        for (text, known) in [(name, &names), (kind, &kinds)] {
            if text.is_empty() {
                errors.push(FieldError::required(path, ""));
            } else if !known.contains(&text) {
                errors.push(FieldError::not_supported(path, text.into(), known));
            }
        }
        if restart == "Never" && kind != "NotRequired" {
            let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(path, kind.into(), why));
        }
    }
    errors
}

fn requests_and_limits(
    path: &Path,
    resources: &Value,
    resource_name: fn(&Path, &str) -> Vec<FieldError>,
) -> Vec<FieldError> {
    let (at_limits, at_requests) = (path.child("limits"), path.child("requests"));
    let quantity = |value: &Value| match value {
        Value::String(text) => Quantity::parse(text).ok(),
        other => Quantity::parse(&other.to_string()).ok(),
    };
    let mut errors = Vec::new();
    for (name, value) in resources.entries("limits") {
        let at = at_limits.key(name);
        errors.extend(resource_name(&at, name));
        errors.extend(quantity(value).into_iter().flat_map(|amount| amount_of(&at, name, &amount)));
    }
    for (name, value) in resources.entries("requests") {
        let at = at_requests.key(name);
        errors.extend(resource_name(&at, name));
        let Some(request) = quantity(value) else { continue };
        errors.extend(amount_of(&at, name, &request));
        match resources["limits"].get(name).and_then(quantity) {
            Some(limit) if request.compare(&limit).is_ne() && !overcommits(name) => {
                let why = format!("must be equal to {name} limit of {}", limit.canonical());
                errors.push(FieldError::invalid(&at_requests, request.canonical().into(), why));
            }
            Some(limit) if request.compare(&limit).is_gt() => {
                let why = format!("must be less than or equal to {name} limit of {}", limit.canonical());
                errors.push(FieldError::invalid(&at_requests, request.canonical().into(), why));
            }
            None if !overcommits(name) => {
                let why = "Limit must be set for non overcommitable resources";
                errors.push(FieldError::required(&at_limits, why));
            }
            _ => {}
        }
    }
    let named = |test: &dyn Fn(&str) -> bool| {
        ["limits", "requests"].iter().any(|bag| resources.entries(bag).any(|(name, _)| test(name)))
    };
    if named(&is_huge) && !named(&|name| name == "cpu" || name == "memory") {
        errors.push(FieldError::forbidden(path, "HugePages require cpu or memory"));
    }
    errors
}

fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// True for resources in the domain `kubernetes.io`, which is implied for names without a domain.
fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && qualified_name(&format!("requests.{name}")).is_empty()
}

fn overcommits(name: &str) -> bool {
    is_native(name) && !is_huge(name)
}

fn standard_name(path: &Path, name: &str) -> Vec<FieldError> {
    let mut errors = invalid_each(path, name, qualified_name(name));
    if errors.is_empty() && !name.contains('/') && !STANDARD_RESOURCES.contains(&name) && !is_huge(name) {
        let why = "must be a standard resource type or fully qualified";
        errors.push(FieldError::invalid(path, name.into(), why));
    }
    errors
}

fn resource_name(path: &Path, name: &str) -> Vec<FieldError> {
    let say = |why: &str| FieldError::invalid(path, name.into(), why);
    let mut errors = standard_name(path, name);
    if !name.contains('/') {
        if !CONTAINER_RESOURCES.contains(&name) && !is_huge(name) {
            errors.push(say("must be a standard resource for containers"));
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.push(say("doesn't follow extended resource name standard"));
    }
    errors
}

fn amount_of(path: &Path, name: &str, amount: &Quantity) -> Vec<FieldError> {
    let say = |why: &str| FieldError::invalid(path, amount.canonical().into(), why);
    let mut errors = Vec::new();
    if amount.milli() < 0 {
        errors.push(say("must be greater than or equal to 0"));
    }
    let counted =
        STANDARD_RESOURCES[9..16].contains(&name) || name.starts_with("services.") || is_extended(name);
    if counted && amount.milli() % 1000 != 0 {
        errors.push(say("must be an integer"));
    }
    if let Some(page) = name.strip_prefix("hugepages-").and_then(|size| Quantity::parse(size).ok()) {
        let whole = page.milli() > 0 && page.milli() % 1000 == 0 && amount.milli() % page.milli() == 0;
        if !whole {
            errors.push(say(&format!("{} is not positive integer multiple of {name}", amount.canonical())));
        }
    }
    errors
}
