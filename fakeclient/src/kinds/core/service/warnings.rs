//! Warnings of a Service in kube-apiserver 1.37: ineffective and deprecated fields, and non-canonical addresses.

use serde_json::Value;

use crate::error::path::Path;
use crate::kinds::rules::ip;
use crate::object::view::fields::FieldAccess;

use super::spec_type;

const OLD_HINTS: &str = "service.kubernetes.io/topology-aware-hints";

/// Warnings of a Service, in the server's order.
pub(super) fn warnings(service: &Value) -> Vec<String> {
    let (spec, path) = (&service["spec"], Path::new("spec"));
    let kind = spec_type(service);
    let headless = kind == "ClusterIP" && spec.text("clusterIP") == "None";
    let external_ips = !spec.list("externalIPs").is_empty();
    let mut said = Vec::new();
    let mut say = |holds: bool, text: &str| said.extend(holds.then(|| text.to_owned()));
    say(
        service["metadata"]["annotations"].has(OLD_HINTS),
        "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use \
         service.kubernetes.io/topology-mode instead",
    );
    say(
        headless && !spec.text("loadBalancerIP").is_empty(),
        "spec.loadBalancerIP is ignored for headless services",
    );
    say(headless && external_ips, "spec.externalIPs is ignored for headless services");
    say(
        headless && spec.text("sessionAffinity") != "None",
        "spec.SessionAffinity is ignored for headless services",
    );
    said.extend(each(&path, spec, "externalIPs", ip::non_canonical_address));
    if external_ips && !headless && kind != "ExternalName" {
        said.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters".to_owned(),
        );
    }
    said.extend(ip::non_canonical_address(&path.child("loadBalancerIP"), spec.text("loadBalancerIP")));
    said.extend(each(&path, spec, "loadBalancerSourceRanges", ip::non_canonical_network));
    if kind == "ExternalName" && external_ips {
        said.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if kind != "ExternalName" && !spec.text("externalName").is_empty() {
        said.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if spec.text("trafficDistribution") == "PreferClose" {
        let text = "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        said.push(text.to_owned());
    }
    said
}

fn each(path: &Path, spec: &Value, key: &str, odd: fn(&Path, &str) -> Option<String>) -> Vec<String> {
    let all = spec.list(key).iter().enumerate();
    all.filter_map(|(index, value)| odd(&path.child(key).index(index), value.as_str()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ineffective_fields_cause_warnings() {
        let headless = json!({"type": "ClusterIP", "clusterIP": "None", "sessionAffinity": "ClientIP",
            "externalIPs": ["2001:DB8::1"]});
        let said = [
            "spec.externalIPs is ignored for headless services",
            "spec.SessionAffinity is ignored for headless services",
            "spec.externalIPs[0]: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")",
        ];
        assert_eq!(warnings(&json!({"spec": headless})), said);
        assert!(warnings(&json!({"spec": {"type": "ClusterIP", "sessionAffinity": "None"}})).is_empty());
    }
}
