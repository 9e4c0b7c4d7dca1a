//! Cells of Node, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, list, text, text_or};

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

/// Name, status, roles, age, version, internal IP, external IP, OS image, kernel, container runtime.
pub(super) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let info = |field: &str| text_or(object, &["status", "nodeInfo", field], "<unknown>");
    let mut kernel = info("kernelVersion").to_owned();
    let architecture = text(object, &["status", "nodeInfo", "architecture"]);
    if !architecture.is_empty() {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        metadata::name(object).into(),
        status(object).into(),
        roles(object).into(),
        age::of(object, now).into(),
        text(object, &["status", "nodeInfo", "kubeletVersion"]).into(),
        address(object, "InternalIP").into(),
        address(object, "ExternalIP").into(),
        info("osImage").into(),
        kernel.into(),
        info("containerRuntimeVersion").into(),
    ]
}

fn status(object: &Value) -> String {
    let conditions = list(object, &["status", "conditions"]);
    let ready = conditions.iter().rfind(|c| text(c, &["type"]) == "Ready");
    let mut status = match ready {
        Some(condition) if text(condition, &["status"]) == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if at(object, &["spec", "unschedulable"]).and_then(Value::as_bool).unwrap_or_default() {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn roles(object: &Value) -> String {
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in metadata::labels(object).into_iter().flatten() {
        match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => roles.push(role),
            None if key == ROLE_LABEL => roles.extend(value.as_str()),
            None => {}
        }
    }
    roles.retain(|role| !role.is_empty());
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn address<'v>(object: &'v Value, kind: &str) -> &'v str {
    let addresses = list(object, &["status", "addresses"]);
    addresses.iter().find(|a| text(a, &["type"]) == kind).map_or("<none>", |a| text(a, &["address"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn node_without_ready_condition_is_unknown() {
        let object = json!({"metadata": {
            "name": "n1", "creationTimestamp": "2026-11-22T18:36:21Z",
            "labels": {"node-role.kubernetes.io/control-plane": ""},
        }});
        let cells = node(&object, "2026-11-22T18:36:21Z".parse().unwrap());
        let none = "<none>";
        let unknown = "<unknown>";
        assert_eq!(
            cells,
            ["n1", "Unknown", "control-plane", "0s", "", none, none, unknown, unknown, unknown]
        );
    }

    #[test]
    fn cordoned_node_has_scheduling_disabled() {
        let object = json!({
            "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        });
        assert_eq!(status(&object), "Ready,SchedulingDisabled");
    }
}
