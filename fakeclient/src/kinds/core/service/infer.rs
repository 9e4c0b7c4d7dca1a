//! Implied changes of a Service: `clusterIP` and `clusterIPs`, allocated values, and fields of another type
//! (apiserver's `patchAllocatedValues` and `dropTypeDependentFields`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::object::view::fields::{FieldAccess, copy, items_mut, object_mut, remove, same, set};

use super::{is_external, needs_cluster_ip, needs_health_port, spec_type};

/// On create, sets `clusterIPs` from `clusterIP`, never the reverse.
pub(super) fn default_cluster_ips(service: &mut Value) {
    let spec = object_mut(service, "spec");
    let ip = spec.text("clusterIP").to_owned();
    if !ip.is_empty() && spec.list("clusterIPs").is_empty() {
        set(spec, "clusterIPs", json!([ip]));
    }
}

/// Keeps allocated values that the update does not set, such as those of a client that sends its manifest again.
pub(super) fn patch_allocated_values(service: &mut Value, old: &Value) {
    if needs_cluster_ip(old) && needs_cluster_ip(service) {
        let spec = object_mut(service, "spec");
        if spec.text("clusterIP").is_empty() {
            copy(&old["spec"], spec, "clusterIP");
        }
        if spec.list("clusterIPs").is_empty() {
            copy(&old["spec"], spec, "clusterIPs");
        }
    }
    if allocates_node_ports(old) && allocates_node_ports(service) {
        keep_node_ports(object_mut(service, "spec"), &old["spec"]);
    }
    if needs_health_port(old)
        && needs_health_port(service)
        && service["spec"].number("healthCheckNodePort").unwrap_or_default() == 0
    {
        copy(&old["spec"], object_mut(service, "spec"), "healthCheckNodePort");
    }
}

fn allocates_node_ports(service: &Value) -> bool {
    match spec_type(service) {
        "NodePort" => true,
        "LoadBalancer" => service["spec"].flag("allocateLoadBalancerNodePorts") != Some(false),
        _ => false,
    }
}

fn node_ports(spec: &Value) -> BTreeSet<i64> {
    spec.list("ports").iter().filter_map(|port| port.number("nodePort")).filter(|n| *n != 0).collect()
}

fn keep_node_ports(spec: &mut Value, old: &Value) {
    let used: BTreeSet<i64> = node_ports(spec).intersection(&node_ports(old)).copied().collect();
    let by_name: BTreeMap<&str, i64> = old
        .list("ports")
        .iter()
        .map(|port| (port.text("name"), port.number("nodePort").unwrap_or_default()))
        .collect();
    for port in items_mut(spec, "ports").filter(|p| p.number("nodePort").unwrap_or_default() == 0) {
        if let Some(kept) = by_name.get(port.text("name")).filter(|n| **n != 0 && !used.contains(n)) {
            set(port, "nodePort", *kept);
        }
    }
}

/// On update, `clusterIPs` follows a changed `clusterIP`, unless both changed.
pub(super) fn sync_cluster_ips(service: &mut Value, old: &Value) {
    let spec = object_mut(service, "spec");
    let (new_ip, old_ip) = (spec.text("clusterIP").to_owned(), old["spec"].text("clusterIP"));
    if new_ip == old_ip {
        if spec.list("clusterIPs").is_empty() {
            copy(&old["spec"], spec, "clusterIPs");
        }
    } else if same(spec, &old["spec"], "clusterIPs") {
        if new_ip.is_empty() {
            remove(spec, "clusterIPs");
        } else {
            set(spec, "clusterIPs", json!([new_ip]));
        }
    }
}

/// Drops unchanged fields that the new type does not use.
pub(super) fn drop_type_dependent_fields(service: &mut Value, old: &Value) {
    let (old_spec, new) = (&old["spec"], service.clone());
    let spec = object_mut(service, "spec");
    let unchanged = |key: &str| same(&new["spec"], old_spec, key);
    if needs_cluster_ip(old) && !needs_cluster_ip(&new) {
        if unchanged("clusterIP") && unchanged("clusterIPs") {
            remove(spec, "clusterIP");
            remove(spec, "clusterIPs");
        }
        for key in ["ipFamilies", "ipFamilyPolicy"] {
            if unchanged(key) {
                remove(spec, key);
            }
        }
    }
    let has_node_ports = |service: &Value| ["NodePort", "LoadBalancer"].contains(&spec_type(service));
    if has_node_ports(old)
        && !has_node_ports(&new)
        && node_ports(&new["spec"]).is_subset(&node_ports(old_spec))
    {
        items_mut(spec, "ports").for_each(|port| remove(port, "nodePort"));
    }
    if needs_health_port(old) && !needs_health_port(&new) && unchanged("healthCheckNodePort") {
        remove(spec, "healthCheckNodePort");
    }
    if spec_type(old) == "LoadBalancer" && spec_type(&new) != "LoadBalancer" {
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if unchanged(key) {
                remove(spec, key);
            }
        }
    }
    if is_external(old) && !is_external(&new) && unchanged("externalTrafficPolicy") {
        remove(spec, "externalTrafficPolicy");
    }
    if spec_type(&new) != "LoadBalancer" {
        set(object_mut(service, "status"), "loadBalancer", json!({}));
    }
}

#[cfg(test)]
mod tests {
    use crate::registry::strategy::UpdateStrategy;

    use super::super::Service;
    use super::*;

    fn stored() -> Value {
        json!({"spec": {
            "type": "NodePort", "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "externalTrafficPolicy": "Cluster",
            "ports": [{"port": 80, "nodePort": 30635}],
        }, "status": {"loadBalancer": {}}})
    }

    #[test]
    fn allocated_values_are_kept_if_the_update_omits_them() {
        let mut new = json!({"spec": {"type": "NodePort", "ports": [{"port": 81}]}});
        Service.prepare_update(&mut new, &stored());
        assert_eq!(new["spec"]["clusterIP"], "10.0.0.9");
        assert_eq!(new["spec"]["ports"], json!([{"port": 81, "nodePort": 30635}]));
    }

    #[test]
    fn external_name_service_releases_its_address() {
        let mut new = json!({"spec": {"type": "ExternalName", "externalName": "a.b"}});
        Service.prepare_update(&mut new, &stored());
        assert_eq!(new["spec"], json!({"type": "ExternalName", "externalName": "a.b"}));
        let mut patched = stored();
        patched["spec"]["type"] = "ExternalName".into();
        Service.prepare_update(&mut patched, &stored());
        assert_eq!(patched["spec"], json!({"type": "ExternalName", "ports": [{"port": 80}]}));
    }

    #[test]
    fn cluster_ip_service_drops_node_ports() {
        let mut new = json!({"spec": {"ports": [{"port": 80}]}});
        Service.prepare_update(&mut new, &stored());
        assert_eq!(new["spec"]["type"], "ClusterIP");
        assert_eq!(new["spec"]["ports"], json!([{"port": 80}]));
    }
}
