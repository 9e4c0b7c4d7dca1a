//! Cells of Ingress, `IngressClass` and `NetworkPolicy`, as kube-apiserver 1.37 prints them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::object::selector::label::LabelSelector;
use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, list, text, text_or};

/// Maximum number of listed hosts; the rest is counted.
const MAX_HOSTS: usize = 3;

/// Name, class, hosts, address, ports, age.
pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = if list(object, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
    let addresses: BTreeSet<&str> = list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|at| text_or(at, &["ip"], text(at, &["hostname"])))
        .filter(|address| !address.is_empty())
        .collect();
    vec![
        metadata::name(object).into(),
        text_or(object, &["spec", "ingressClassName"], "<none>").into(),
        hosts(list(object, &["spec", "rules"])).into(),
        addresses.into_iter().collect::<Vec<_>>().join(",").into(),
        ports.into(),
        age::of(object, now).into(),
    ]
}

/// Name, controller, parameters, age.
pub(super) fn ingress_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let default = at(object, &["metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"]);
    let mark = if default.is_some_and(|value| value == "true") { " (default)" } else { "" };
    let parameters = at(object, &["spec", "parameters"]).map_or("<none>".to_owned(), |parameters| {
        let group = text(parameters, &["apiGroup"]);
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        format!("{}{group}/{}", text(parameters, &["kind"]), text(parameters, &["name"]))
    });
    vec![
        format!("{}{mark}", metadata::name(object)).into(),
        text(object, &["spec", "controller"]).into(),
        parameters.into(),
        age::of(object, now).into(),
    ]
}

/// Name, Pod selector, age.
pub(super) fn network_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    let selector = at(object, &["spec", "podSelector"]).map(LabelSelector::from_object);
    let selector = match selector {
        Some(Ok(selector)) if !selector.is_empty() => selector.to_string(),
        Some(Err(_)) => "<invalid>".to_owned(),
        _ => "<none>".to_owned(),
    };
    vec![metadata::name(object).into(), selector.into(), age::of(object, now).into()]
}

fn hosts(rules: &[Value]) -> String {
    let mut named = Vec::new();
    let mut more = false;
    for rule in rules {
        more |= named.len() == MAX_HOSTS;
        let host = text(rule, &["host"]);
        if !more && !host.is_empty() {
            named.push(host);
        }
    }
    match (named.is_empty(), more) {
        (true, _) => "*".to_owned(),
        (_, true) => format!("{} + {} more...", named.join(","), rules.len() - MAX_HOSTS),
        _ => named.join(","),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_after_the_third_are_counted() {
        let rules = |hosts: &[&str]| hosts.iter().map(|host| json!({"host": host})).collect::<Vec<_>>();
        assert_eq!(hosts(&rules(&[])), "*");
        assert_eq!(hosts(&rules(&["a", "", "b"])), "a,b");
        assert_eq!(hosts(&rules(&["a", "b", "c", "d", "e"])), "a,b,c + 2 more...");
    }

    #[test]
    fn tls_ingress_has_two_ports_and_sorted_addresses() {
        let object = json!({
            "metadata": {"name": "i", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"tls": [{}], "ingressClassName": "front"},
            "status": {"loadBalancer": {"ingress": [{"hostname": "b"}, {"ip": "10.0.0.1"}]}},
        });
        let now = "2026-11-22T18:36:21Z".parse().unwrap();
        let cells = ["i", "front", "*", "10.0.0.1,b", "80, 443", "17m"];
        assert_eq!(ingress(&object, now), cells.map(Value::from));
    }
}
