//! Validation of a Service, in the order in which kube-apiserver 1.37 reports errors.

use serde_json::{Value, json};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::enums::one_of;
use crate::kinds::rules::names::{dns_label, dns_subdomain, qualified_name};
use crate::kinds::rules::{ip, labels, ports};
use crate::object::view::fields::FieldAccess;

use super::{families, is_external, is_headless, needs_health_port, spec_type};

/// Errors of a Service.
pub(super) fn service(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &service["spec"];
    let path = Path::new("spec");
    let mut errors = by_type(service, &path);
    for (index, port) in spec.list("ports").iter().enumerate() {
        errors.extend(port_errors(spec.list("ports"), index, port, &path.child("ports").index(index)));
    }
    errors.extend(labels::map(&path.child("selector"), &spec["selector"]));
    errors.extend(affinity(spec, &path));
    errors.extend(families::check(service, old));
    errors.extend(external_ips(spec, old, &path));
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    errors.extend(one_of(&path.child("type"), spec.text("type"), &types));
    errors.extend(repeated_ports(service, &path.child("ports")));
    errors.extend(source_ranges(service, &path));
    errors.extend(load_balancer_fields(service, &path));
    errors.extend(external_traffic(service, &path));
    errors.extend(internal_traffic(spec, &path));
    errors
}

fn by_type(service: &Value, path: &Path) -> Vec<FieldError> {
    let spec = &service["spec"];
    let kind = spec_type(service);
    let mut errors = Vec::new();
    if spec.list("ports").is_empty() && !is_headless(service) && kind != "ExternalName" {
        errors.push(FieldError::required(path.child("ports"), ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(service) => {
            let at = path.child("clusterIPs").index(0);
            let why = format!("may not be set to 'None' for {kind} services");
            errors.push(FieldError::invalid(at, "None".into(), why));
        }
        "ExternalName" => {
            for key in ["clusterIPs", "ipFamilies"] {
                if !spec.list(key).is_empty() {
                    let why = "may not be set for ExternalName services";
                    errors.push(FieldError::forbidden(path.child(key), why));
                }
            }
            if spec.has("ipFamilyPolicy") {
                let why = "may not be set for ExternalName services";
                errors.push(FieldError::forbidden(path.child("ipFamilyPolicy"), why));
            }
            let name = spec.text("externalName");
            let name = name.strip_suffix('.').unwrap_or(name);
            let at = path.child("externalName");
            if name.is_empty() {
                errors.push(FieldError::required(&at, ""));
            } else {
                errors.extend(invalid_each(&at, name, dns_subdomain(name)));
            }
        }
        _ => {}
    }
    errors
}

fn port_errors(all: &[Value], index: usize, port: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (name, at) = (port.text("name"), path.child("name"));
    if name.is_empty() {
        if all.len() > 1 {
            errors.push(FieldError::required(&at, ""));
        }
    } else {
        errors.extend(invalid_each(&at, name, dns_label(name)));
        if all[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at, name.into()));
        }
    }
    errors.extend(ports::number(&path.child("port"), port.number("port").unwrap_or_default()));
    errors.extend(ports::protocol(&path.child("protocol"), port.text("protocol")));
    errors.extend(ports::number_or_name(&path.child("targetPort"), &port["targetPort"]));
    if let Some(protocol) = port["appProtocol"].as_str() {
        errors.extend(invalid_each(&path.child("appProtocol"), protocol, qualified_name(protocol)));
    }
    errors
}

fn affinity(spec: &Value, path: &Path) -> Vec<FieldError> {
    let kind = spec.text("sessionAffinity");
    let config = path.child("sessionAffinityConfig");
    let mut errors: Vec<FieldError> =
        one_of(&path.child("sessionAffinity"), kind, &["ClientIP", "None"]).into_iter().collect();
    if kind == "ClientIP" {
        let timeout = spec["sessionAffinityConfig"]["clientIP"].number("timeoutSeconds").unwrap_or_default();
        if !(1..=86400).contains(&timeout) {
            let at = config.child("clientIP").child("timeoutSeconds");
            let why = "must be greater than 0 and less than 86400";
            errors.push(FieldError::invalid(at, timeout.into(), why));
        }
    } else if kind == "None" && spec.has("sessionAffinityConfig") {
        errors.push(FieldError::forbidden(&config, "must not be set when session affinity is None"));
    }
    errors
}

fn external_ips(spec: &Value, old: Option<&Value>, path: &Path) -> Vec<FieldError> {
    let known = old.map(|old| old["spec"].list("externalIPs")).unwrap_or_default();
    let mut errors = Vec::new();
    for (index, value) in spec.list("externalIPs").iter().enumerate() {
        let at = path.child("externalIPs").index(index);
        let text = value.as_str().unwrap_or_default();
        let malformed = if known.contains(value) { Vec::new() } else { ip::address(&at, text) };
        errors.extend(if malformed.is_empty() { ip::endpoint(&at, text) } else { malformed });
    }
    errors
}

fn repeated_ports(service: &Value, path: &Path) -> Vec<FieldError> {
    let listed = service["spec"].list("ports");
    let node_port = |port: &Value| port.number("nodePort").filter(|n| *n != 0);
    let mut errors = Vec::new();
    if spec_type(service) == "ClusterIP" {
        for (index, _) in listed.iter().enumerate().filter(|(_, port)| node_port(port).is_some()) {
            let why = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(path.index(index).child("nodePort"), why));
        }
    }
    for (index, port) in listed.iter().enumerate() {
        let again = |other: &Value| {
            node_port(other) == node_port(port) && other.text("protocol") == port.text("protocol")
        };
        if let Some(number) = node_port(port).filter(|_| listed[..index].iter().any(again)) {
            errors.push(FieldError::duplicate(path.index(index).child("nodePort"), number.into()));
        }
    }
    for (index, port) in listed.iter().enumerate() {
        let again =
            |other: &Value| other["port"] == port["port"] && other.text("protocol") == port.text("protocol");
        if listed[..index].iter().any(again) {
            errors.push(FieldError::duplicate(path.index(index), port.clone()).shown_as(go_port(port)));
        }
    }
    errors
}

/// The Go struct as error messages print it, in the order of its fields.
fn go_port(port: &Value) -> String {
    format!(
        r#"{{"Name":"","Protocol":{},"AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
        port["protocol"], port["port"]
    )
}

fn source_ranges(service: &Value, path: &Path) -> Vec<FieldError> {
    let ranges = service["spec"].list("loadBalancerSourceRanges");
    let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let annotated = service["metadata"]["annotations"].get(annotation).and_then(Value::as_str);
    let (at, listed): (Path, Vec<(Option<usize>, &str)>) = if !ranges.is_empty() {
        // The server's path has this capital letter.
        let texts = ranges.iter().enumerate().map(|(i, range)| (Some(i), range.as_str().unwrap_or_default()));
        (path.child("LoadBalancerSourceRanges"), texts.collect())
    } else if let Some(text) = annotated {
        let texts = text.split(',').filter(|_| !text.trim().is_empty()).map(|range| (None, range));
        (Path::new("metadata.annotations").key(annotation), texts.collect())
    } else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    if spec_type(service) != "LoadBalancer" {
        errors.push(FieldError::forbidden(&at, "may only be used when `type` is 'LoadBalancer'"));
    }
    for (index, range) in listed {
        let at = index.map_or_else(|| at.clone(), |index| at.index(index));
        errors.extend(ip::network(&at, range.trim()));
    }
    errors
}

fn load_balancer_fields(service: &Value, path: &Path) -> Vec<FieldError> {
    let spec = &service["spec"];
    let is_balancer = spec_type(service) == "LoadBalancer";
    let why = "may only be used when `type` is 'LoadBalancer'";
    let mut errors = Vec::new();
    if spec.has("allocateLoadBalancerNodePorts") && !is_balancer {
        errors.push(FieldError::forbidden(path.child("allocateLoadBalancerNodePorts"), why));
    }
    if let Some(class) = spec["loadBalancerClass"].as_str() {
        let at = path.child("loadBalancerClass");
        if is_balancer {
            errors.extend(invalid_each(&at, class, qualified_name(class)));
        } else {
            errors.push(FieldError::forbidden(at, why));
        }
    }
    errors
}

fn external_traffic(service: &Value, path: &Path) -> Vec<FieldError> {
    let spec = &service["spec"];
    let (policy, at) = (spec.text("externalTrafficPolicy"), path.child("externalTrafficPolicy"));
    let mut errors = Vec::new();
    if is_external(service) {
        errors.extend(one_of(&at, policy, &["Cluster", "Local"]));
    } else if !policy.is_empty() {
        let why = "may only be set for externally-accessible services";
        errors.push(FieldError::invalid(&at, policy.into(), why));
    }
    let (port, at) =
        (spec.number("healthCheckNodePort").unwrap_or_default(), path.child("healthCheckNodePort"));
    if needs_health_port(service) {
        if port == 0 {
            errors.push(FieldError::required(&at, ""));
        } else {
            errors.extend(ports::number(&at, port));
        }
    } else if port != 0 {
        let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        errors.push(FieldError::invalid(&at, port.into(), why));
    }
    errors
}

fn internal_traffic(spec: &Value, path: &Path) -> Vec<FieldError> {
    let choices: [(&str, &[&str]); 2] = [
        ("internalTrafficPolicy", &["Cluster", "Local"]),
        ("trafficDistribution", &["PreferClose", "PreferSameZone", "PreferSameNode"]),
    ];
    let wrong = choices.iter().filter(|(key, known)| spec.has(key) && !known.contains(&spec.text(key)));
    wrong
        .map(|(key, known)| FieldError::not_supported(path.child(key), spec.text(key).into(), known))
        .collect()
}

/// Errors of changes to addresses, families, load balancer class or health check port.
pub(super) fn transition(service: &Value, old: &Value) -> Vec<FieldError> {
    let (spec, old_spec) = (&service["spec"], &old["spec"]);
    let mut errors = Vec::new();
    let named = spec_type(service) == "ExternalName" || spec_type(old) == "ExternalName";
    if !(named || is_headless(service) && is_headless(old)) {
        errors.extend(immutable_field(spec, old_spec, "clusterIPs", "primary clusterIP can not be unset"));
    }
    if !named && !is_headless(service) && !is_headless(old) {
        errors.extend(immutable_field(spec, old_spec, "ipFamilies", "primary ipFamily can not be unset"));
    }
    let class = |spec: &Value| spec["loadBalancerClass"].clone();
    if spec_type(service) == "LoadBalancer"
        && spec_type(old) == "LoadBalancer"
        && class(spec) != class(old_spec)
    {
        let at = "spec.loadBalancerClass";
        errors.push(FieldError::invalid(at, class(spec), "may not change once set"));
    }
    if needs_health_port(service)
        && needs_health_port(old)
        && spec["healthCheckNodePort"] != old_spec["healthCheckNodePort"]
    {
        errors.push(FieldError::forbidden("spec.healthCheckNodePort", "field is immutable"));
    }
    errors
}

fn immutable_field(spec: &Value, old: &Value, key: &str, unset: &str) -> Vec<FieldError> {
    let (new, held) = (spec.list(key), old.list(key));
    let path = Path::new("spec").child(key);
    let say = |index: usize, why: &str| FieldError::invalid(path.index(index), json!(new), why);
    let mut errors = Vec::new();
    if new.len() == held.len() {
        for (index, _) in held.iter().zip(new).enumerate().filter(|(_, (old, new))| old != new) {
            let index = if key == "ipFamilies" { 0 } else { index };
            errors.push(say(index, "may not change once set"));
        }
    } else if new.is_empty() {
        errors.push(say(0, unset));
    } else if held.first().is_some_and(|first| *first != new[0]) {
        errors.push(say(0, "may not change once set"));
    }
    errors
}

/// Errors of the load balancer status.
pub(super) fn status(service: &Value, old: &Value) -> Vec<FieldError> {
    let ingress = |service: &Value| service["status"]["loadBalancer"].list("ingress").to_vec();
    let path = Path::new("status.loadBalancer.ingress");
    let listed = ingress(service);
    if spec_type(service) != "LoadBalancer" && !listed.is_empty() {
        let why = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![FieldError::forbidden(&path, why)];
    }
    let known: Vec<Value> = ingress(old).into_iter().map(|entry| entry["ip"].clone()).collect();
    let mut errors = Vec::new();
    for (index, entry) in listed.iter().enumerate() {
        let at = path.index(index);
        let (address, mode) = (entry.text("ip"), entry.text("ipMode"));
        if !address.is_empty() && !known.contains(&entry["ip"]) {
            errors.extend(ip::address(&at.child("ip"), address));
        }
        let at_mode = at.child("ipMode");
        match (mode, address) {
            ("", "") => {}
            ("", _) => errors.push(FieldError::required(at_mode, "must be specified when `ip` is set")),
            (_, "") => {
                errors.push(FieldError::forbidden(at_mode, "may not be specified when `ip` is not set"));
            }
            _ => errors.extend(one_of(&at_mode, mode, &["Proxy", "VIP"])),
        }
        let name = entry.text("hostname");
        if !name.is_empty() {
            errors.extend(invalid_each(&at.child("hostname"), name, dns_subdomain(name)));
            if name.parse::<std::net::IpAddr>().is_ok() {
                let why = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(at.child("hostname"), name.into(), why));
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use crate::registry::strategy::{CreateStrategy, Strategy, UpdateStrategy};

    use super::super::Service;
    use super::*;

    #[track_caller]
    fn check(spec: Value, expected: &[&str]) {
        let mut object = json!({"metadata": {"name": "a"}});
        object["spec"] = spec;
        Service.prepare_create(&mut object);
        Service.apply_defaults(&mut object);
        let texts: Vec<_> = Service.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn ports_have_unique_names_and_valid_unique_numbers() {
        check(
            json!({"ports": [
                {"port": 0, "targetPort": "bad_name!"},
                {"port": 70000, "name": "p1", "protocol": "ICMP", "targetPort": 70000},
                {"port": 80, "name": "x", "nodePort": 30000},
                {"port": 80, "name": "x", "targetPort": "a--b"},
            ]}),
            &[
                "spec.ports[0].name: Required value",
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: \"bad_name!\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "spec.ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.ports[1].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                "spec.ports[1].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.ports[3].name: Duplicate value: \"x\"",
                "spec.ports[3].targetPort: Invalid value: \"a--b\": must not contain consecutive hyphens",
                "spec.ports[2].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
                "spec.ports[3]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}",
            ],
        );
    }

    #[test]
    fn fields_of_other_types_are_rejected() {
        let port = json!([{"port": 80}]);
        check(json!({}), &["spec.ports: Required value"]);
        check(
            json!({"type": "NodePort", "clusterIP": "None", "ports": port}),
            &["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
        );
        check(json!({"type": "ExternalName"}), &["spec.externalName: Required value"]);
        check(
            json!({"type": "ExternalName", "externalName": "foo.com.", "clusterIP": "10.0.0.7"}),
            &["spec.clusterIPs: Forbidden: may not be set for ExternalName services"],
        );
    }

    #[test]
    fn errors_are_in_the_order_of_kube_apiserver() {
        check(
            json!({
                "type": "x", "sessionAffinity": "y", "ports": [{"port": 80}], "internalTrafficPolicy": "z",
                "externalTrafficPolicy": "Local", "healthCheckNodePort": 3, "trafficDistribution": "q",
                "loadBalancerSourceRanges": ["x"], "allocateLoadBalancerNodePorts": true, "loadBalancerClass": "a/b",
                "externalIPs": ["127.0.0.1", "x"],
            }),
            &[
                "spec.sessionAffinity: Unsupported value: \"y\": supported values: \"ClientIP\", \"None\"",
                "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
                "spec.externalIPs[1]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                "spec.type: Unsupported value: \"x\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
                "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
                "spec.LoadBalancerSourceRanges[0]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
                "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
                "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
                "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
                "spec.healthCheckNodePort: Invalid value: 3: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
                "spec.internalTrafficPolicy: Unsupported value: \"z\": supported values: \"Cluster\", \"Local\"",
                "spec.trafficDistribution: Unsupported value: \"q\": supported values: \"PreferClose\", \"PreferSameZone\", \"PreferSameNode\"",
            ],
        );
    }

    #[test]
    fn address_is_immutable() {
        let old = json!({"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.5", "clusterIPs": ["10.0.0.5"], "ipFamilies": ["IPv4"]}});
        for ip in ["10.0.0.77", "None"] {
            let mut new = json!({"spec": {"clusterIP": ip, "ports": [{"port": 80}]}});
            Service.prepare_update(&mut new, &old);
            new["spec"]["ipFamilies"] = json!(["IPv4"]);
            let texts: Vec<_> = transition(&new, &old).iter().map(ToString::to_string).collect();
            assert_eq!(
                texts,
                [format!("spec.clusterIPs[0]: Invalid value: [\"{ip}\"]: may not change once set")]
            );
        }
    }

    #[test]
    fn ingress_status_requires_a_load_balancer() {
        let with = |kind: &str| json!({"spec": {"type": kind}, "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4", "ipMode": "VIP"}]}}});
        let texts =
            |service: &Value| status(service, &json!({})).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            texts(&with("ClusterIP")),
            ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]
        );
        assert!(texts(&with("LoadBalancer")).is_empty());
    }
}
