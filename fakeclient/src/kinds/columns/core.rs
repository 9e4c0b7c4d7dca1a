//! Cells of `ConfigMap`, Secret, Namespace, `ServiceAccount`, Service and Lease, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, list, number, text, text_or};

/// Name, data, age.
pub(super) fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let entries = size(object, "data") + size(object, "binaryData");
    vec![metadata::name(object).into(), entries.into(), age::of(object, now).into()]
}

/// Name, type, data, age.
pub(super) fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    let kind = text(object, &["type"]);
    vec![metadata::name(object).into(), kind.into(), size(object, "data").into(), age::of(object, now).into()]
}

/// Name, status, age.
pub(super) fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    let phase = text(object, &["status", "phase"]);
    vec![metadata::name(object).into(), phase.into(), age::of(object, now).into()]
}

/// Name, age.
pub(super) fn service_account(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![metadata::name(object).into(), age::of(object, now).into()]
}

/// Name, holder, age.
pub(super) fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    let holder = text(object, &["spec", "holderIdentity"]);
    vec![metadata::name(object).into(), holder.into(), age::of(object, now).into()]
}

/// Name, type, cluster IP, external IP, ports, age, selector.
pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let internal = list(object, &["spec", "clusterIPs"]).first().and_then(Value::as_str).unwrap_or("<none>");
    let ports: Vec<_> = list(object, &["spec", "ports"]).iter().map(port).collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    let selector = at(object, &["spec", "selector"]).and_then(Value::as_object);
    vec![
        metadata::name(object).into(),
        text(object, &["spec", "type"]).into(),
        internal.into(),
        external_ip(object).into(),
        ports.into(),
        age::of(object, now).into(),
        pairs(selector).into(),
    ]
}

fn port(port: &Value) -> String {
    let (number_of, protocol) = (number(port, &["port"]), text(port, &["protocol"]));
    match number(port, &["nodePort"]) {
        0 => format!("{number_of}/{protocol}"),
        node => format!("{number_of}:{node}/{protocol}"),
    }
}

fn external_ip(object: &Value) -> String {
    let texts = |items: &[Value]| -> Vec<String> {
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut given = texts(list(object, &["spec", "externalIPs"]));
    match text(object, &["spec", "type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => given.join(","),
        "LoadBalancer" => {
            let ingress = list(object, &["status", "loadBalancer", "ingress"]);
            let mut all: Vec<String> =
                ingress.iter().map(|i| text_or(i, &["ip"], text(i, &["hostname"])).to_owned()).collect();
            all.retain(|address| !address.is_empty());
            all.sort();
            all.dedup();
            all.append(&mut given);
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => text(object, &["spec", "externalName"]).to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// `a=b,c=d`, or `<none>`.
fn pairs(map: Option<&Map<String, Value>>) -> String {
    let pairs: Vec<_> = map
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

fn size(object: &Value, field: &str) -> usize {
    object.get(field).and_then(Value::as_object).map_or(0, Map::len)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T18:36:21Z".parse().unwrap()
    }

    #[test]
    fn service_cells_contain_ports_and_selector() {
        let object = json!({
            "metadata": {"name": "svc", "creationTimestamp": "2026-11-22T18:36:21Z"},
            "spec": {"type": "NodePort", "clusterIPs": ["10.0.0.64"], "selector": {"a": "b", "c": "d"}, "ports": [
                {"port": 80, "nodePort": 32347, "protocol": "TCP"}, {"port": 443, "nodePort": 32529, "protocol": "UDP"},
            ]},
        });
        assert_eq!(
            service(&object, now()),
            [
                json!("svc"),
                json!("NodePort"),
                json!("10.0.0.64"),
                json!("<none>"),
                json!("80:32347/TCP,443:32529/UDP"),
                json!("0s"),
                json!("a=b,c=d"),
            ]
        );
    }

    #[test]
    fn load_balancer_without_address_is_pending() {
        assert_eq!(external_ip(&json!({"spec": {"type": "LoadBalancer"}})), "<pending>");
        let ingress = json!([{"ip": "1.2.3.4"}, {"hostname": "a.b"}]);
        let given =
            json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": ingress}}});
        assert_eq!(external_ip(&given), "1.2.3.4,a.b");
    }

    #[test]
    fn data_cell_is_the_number_of_keys() {
        let object = json!({"metadata": {"name": "c"}, "data": {"a": "1"}, "binaryData": {"b": ""}});
        assert_eq!(config_map(&object, now()), [json!("c"), json!(2), json!("<unknown>")]);
    }
}
