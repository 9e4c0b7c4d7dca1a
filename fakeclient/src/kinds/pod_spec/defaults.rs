//! Defaults of a Pod's spec that depend on other fields. Constant defaults are recorded data.

use serde_json::{Value, json};

use super::image_reference;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, remove, set, set_default};

/// Sets the defaults of the spec of a Pod or Pod template.
pub(crate) fn set_pod_spec_defaults(spec: &mut Value) {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        items_mut(spec, list).for_each(container);
    }
    items_mut(spec, "volumes").for_each(volume);
    let (name, alias) = (spec.text("serviceAccountName").to_owned(), spec.text("serviceAccount").to_owned());
    let account = if name.is_empty() { alias } else { name };
    if !account.is_empty() {
        set(spec, "serviceAccountName", account.clone());
        set(spec, "serviceAccount", account);
    }
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "terminationGracePeriodSeconds", 30);
    set_default(spec, "schedulerName", "default-scheduler");
    object_mut(spec, "securityContext");
}

fn container(container: &mut Value) {
    let policy = pull_policy(container.text("image"));
    set_default(container, "imagePullPolicy", policy);
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    object_mut(container, "resources");
    for port in items_mut(container, "ports") {
        set_default(port, "protocol", "TCP");
    }
    for variable in items_mut(container, "env") {
        if !variable.has("valueFrom") {
            continue;
        }
        let source = &mut variable["valueFrom"];
        if source.has("fieldRef") {
            set_default(&mut source["fieldRef"], "apiVersion", "v1");
        }
        divisor(source);
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container.has(name) {
            probe(&mut container[name]);
        }
    }
    for hook in ["postStart", "preStop"] {
        if container.get("lifecycle").is_some_and(|lifecycle| lifecycle.has(hook)) {
            handler(&mut container["lifecycle"][hook]);
        }
    }
}

/// The server prints an empty divisor as `0`.
fn divisor(source: &mut Value) {
    if source.has("resourceFieldRef") {
        set_default(&mut source["resourceFieldRef"], "divisor", "0");
    }
}

fn probe(probe: &mut Value) {
    for (key, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe.number(key).unwrap_or_default() == 0 {
            set(probe, key, value);
        }
    }
    handler(probe);
}

fn handler(handler: &mut Value) {
    if handler.has("httpGet") {
        let get = &mut handler["httpGet"];
        set_default(get, "path", "/");
        set_default(get, "scheme", "HTTP");
    }
    if handler.has("grpc") && !handler["grpc"].has("service") {
        set(&mut handler["grpc"], "service", "");
    }
}

fn volume(volume: &mut Value) {
    let sources =
        volume.as_object().map_or(0, |map| map.iter().filter(|(k, v)| *k != "name" && !v.is_null()).count());
    if sources == 0 {
        set(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if volume.has(source) {
            set_default(&mut volume[source], "defaultMode", 0o644);
        }
    }
    if volume.has("image") {
        let policy = pull_policy(volume["image"].text("reference"));
        set_default(&mut volume["image"], "pullPolicy", policy);
    }
    if volume.has("hostPath") && !volume["hostPath"].has("type") {
        set(&mut volume["hostPath"], "type", "");
    }
    if volume.has("downwardAPI") {
        items_of_downward(&mut volume["downwardAPI"]);
    }
    if volume.has("projected") {
        for source in items_mut(&mut volume["projected"], "sources") {
            if source.has("serviceAccountToken") {
                set_default(&mut source["serviceAccountToken"], "expirationSeconds", 3600);
            }
            if source.has("downwardAPI") {
                items_of_downward(&mut source["downwardAPI"]);
            }
        }
    }
}

fn items_of_downward(source: &mut Value) {
    for item in items_mut(source, "items") {
        if item.has("fieldRef") {
            set_default(&mut item["fieldRef"], "apiVersion", "v1");
        }
        divisor(item);
    }
}

/// Sets the defaults of Pods that templates do not get: requests from limits, host ports, service links.
pub(crate) fn set_pod_defaults(spec: &mut Value) {
    if spec.number("terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        set(spec, "terminationGracePeriodSeconds", 1);
    }
    if !spec.has("enableServiceLinks") {
        set(spec, "enableServiceLinks", true);
    }
    let host_network = spec.flag("hostNetwork") == Some(true);
    for list in ["containers", "initContainers"] {
        for container in items_mut(spec, list) {
            requests_from_limits(container);
            for port in items_mut(container, "ports").filter(|_| host_network) {
                if port.number("hostPort").unwrap_or_default() == 0 {
                    let number = port["containerPort"].clone();
                    set(port, "hostPort", number);
                }
            }
        }
    }
}

fn requests_from_limits(container: &mut Value) {
    let Some(limits) = container["resources"]["limits"].as_object().cloned() else { return };
    let requests = object_mut(object_mut(container, "resources"), "requests");
    for (resource, limit) in limits {
        if !requests.has(&resource) {
            set(requests, &resource, limit);
        }
    }
    if requests.as_object().is_some_and(serde_json::Map::is_empty) {
        remove(&mut container["resources"], "requests");
    }
}

/// The default `imagePullPolicy`.
fn pull_policy(image: &str) -> &'static str {
    if image_reference::tag(image).as_deref() == Some("latest") { "Always" } else { "IfNotPresent" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_policy_depends_on_the_tag() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.29", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0123", "IfNotPresent"),
            ("Not An Image", "IfNotPresent"),
            ("ko://example.com/x", "IfNotPresent"),
        ] {
            let mut spec = json!({"containers": [{"name": "c", "image": image}]});
            set_pod_spec_defaults(&mut spec);
            assert_eq!(spec["containers"][0]["imagePullPolicy"], policy, "{image}");
        }
    }

    #[test]
    fn requests_default_to_limits() {
        let mut spec = json!({"containers": [
            {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}},
        ]});
        set_pod_defaults(&mut spec);
        assert_eq!(spec["containers"][0]["resources"]["requests"], json!({"cpu": "500m", "memory": "1Gi"}));
    }

    #[test]
    fn host_network_sets_host_ports() {
        let mut spec = json!({"hostNetwork": true, "containers": [{"ports": [{"containerPort": 80}]}]});
        set_pod_defaults(&mut spec);
        assert_eq!(spec["containers"][0]["ports"], json!([{"containerPort": 80, "hostPort": 80}]));
    }

    #[test]
    fn defaults_are_idempotent() {
        let mut spec = json!({
            "serviceAccount": "robot",
            "containers": [{"name": "c", "image": "x", "readinessProbe": {"httpGet": {"port": 80}},
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}],
            "volumes": [{"name": "v"}, {"name": "i", "image": {"reference": "x"}}, {"name": "s", "secret": {"secretName": "x"}},
                {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}],
        });
        set_pod_spec_defaults(&mut spec);
        let once = spec.clone();
        set_pod_spec_defaults(&mut spec);
        assert_eq!(spec, once);
        assert_eq!(
            spec["volumes"],
            json!([
                {"name": "v", "emptyDir": {}}, {"name": "i", "image": {"reference": "x", "pullPolicy": "Always"}}, {"name": "s", "secret": {"secretName": "x", "defaultMode": 420}},
                {"name": "p", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}]}},
            ])
        );
        assert_eq!(spec["serviceAccountName"], "robot");
        assert_eq!(
            spec["containers"][0]["readinessProbe"],
            json!({"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
                "successThreshold": 1, "failureThreshold": 3})
        );
    }
}
