//! What kube-apiserver 1.37 warns of in a Pod's spec or a template's: right in form, and hardly what was meant.
//!
//! It knows nothing of errors; what is warned of is taken all the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::quantity::Quantity;
use crate::registry::builtin::rules::path::Path;
use crate::registry::builtin::rules::read::Read;

const DEPRECATED_LABELS: [(&str, &str); 8] = [
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
];

/// Warnings about the spec at `path`.
pub(crate) fn warnings(path: &Path, spec: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for (key, _) in spec.entries("nodeSelector") {
        if let Some(why) = deprecated(key) {
            said.push(format!("{}: {why}", path.child("nodeSelector").key(key)));
        }
    }
    for (index, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let at = path.child("topologySpreadConstraints").index(index);
        let key = constraint.text("topologyKey");
        if let Some(why) = deprecated(key) {
            said.push(format!("{}: {key} is {why}", at.child("topologyKey")));
        }
        if !constraint.has("labelSelector") {
            said.push(format!(
                "{}: a null labelSelector results in matching no pod",
                at.child("labelSelector")
            ));
        }
    }
    said.extend(repeated(&path.child("hostAliases"), spec.list("hostAliases"), "ip"));
    said.extend(repeated(&path.child("imagePullSecrets"), spec.list("imagePullSecrets"), "name"));
    for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
        if secret.text("name").is_empty() {
            let at = path.child("imagePullSecrets").index(index).child("name");
            said.push(format!("{at}: invalid empty name \"\""));
        }
    }
    said.extend(fractional(&path.child("overhead"), &spec["overhead"]));
    for (at, container) in containers(path, spec) {
        let resources = &container["resources"];
        for resource in ["memory", "ephemeral-storage"] {
            for list in ["limits", "requests"] {
                let below = at.child("resources").child(list);
                said.extend(fraction(&below, &resources[list], resource));
            }
        }
        said.extend(hidden(&at.child("env"), container.list("env")));
    }
    said.extend(ports(path, spec));
    said.extend(port_names(path, spec));
    if spec.number("terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        let at = path.child("terminationGracePeriodSeconds");
        said.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    said
}

fn deprecated(label: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(key, _)| *key == label).map(|(_, why)| *why)
}

/// All containers, in the server's order.
fn containers<'s>(path: &Path, spec: &'s Value) -> Vec<(Path, &'s Value)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| {
            let all = spec.list(list).iter().enumerate();
            all.map(move |(index, container)| (path.child(list).index(index), container)).collect::<Vec<_>>()
        })
        .collect()
}

fn repeated(path: &Path, items: &[Value], key: &str) -> Vec<String> {
    let mut seen: Vec<&str> = Vec::new();
    let mut said = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let value = item.text(key);
        if seen.contains(&value) {
            said.push(format!("{}: duplicate {key} {value:?}", path.index(index).child(key)));
        } else {
            seen.push(value);
        }
    }
    said
}

fn fractional(path: &Path, resources: &Value) -> Vec<String> {
    ["memory", "ephemeral-storage"].iter().filter_map(|name| fraction(path, resources, name)).collect()
}

/// Bytes come whole.
fn fraction(path: &Path, resources: &Value, name: &str) -> Option<String> {
    let quantity = Quantity::parse(resources.get(name)?.as_str()?).ok()?;
    (quantity.milli() % 1000 != 0).then(|| {
        let shown = quantity.canonical();
        format!("{}: fractional byte value {shown:?} is invalid, must be an integer", path.key(name))
    })
}

/// A variable that is given twice, unless the second is made of the first.
fn hidden(path: &Path, env: &[Value]) -> Vec<String> {
    let mut seen: Vec<&str> = Vec::new();
    let mut said = Vec::new();
    for (index, variable) in env.iter().enumerate() {
        let name = variable.text("name");
        if !seen.contains(&name) {
            seen.push(name);
            continue;
        }
        let (value, reference) = (variable.text("value"), format!("$({name})"));
        if variable.has("valueFrom") || value == reference || !value.contains(&reference) {
            let at = path.index(index);
            said.push(format!(
                "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
    said
}

fn ports(path: &Path, spec: &Value) -> Vec<String> {
    let mut all: BTreeMap<(i64, &str), Vec<(Path, &Value)>> = BTreeMap::new();
    let mut said = Vec::new();
    for (at, container) in containers(path, spec) {
        for (index, port) in container.list("ports").iter().enumerate() {
            let at = at.child("ports").index(index);
            let key = (port.number("containerPort").unwrap_or(0), port.text("protocol"));
            let others = all.entry(key).or_default();
            let host = |port: &Value| port.number("hostPort").unwrap_or(0);
            for (other_at, other) in others.iter() {
                let (ip, other_ip) = (port.text("hostIP"), other.text("hostIP"));
                if ip == other_ip && host(port) == host(other) {
                    said.push(format!("{at}: duplicate port definition with {other_at}"));
                } else if host(port) == 0 || host(other) == 0 {
                    said.push(format!("{at}: overlapping port definition with {other_at}"));
                } else if host(port) == host(other) && ip.is_empty() != other_ip.is_empty() {
                    said.push(format!("{at}: dangerously ambiguous port definition with {other_at}"));
                }
            }
            others.push((at, port));
        }
    }
    said
}

fn port_names(path: &Path, spec: &Value) -> Vec<String> {
    let mut first: BTreeMap<&str, Path> = BTreeMap::new();
    let mut said = Vec::new();
    for (at, container) in containers(path, spec) {
        for (index, port) in container.list("ports").iter().enumerate() {
            let (name, at) = (port.text("name"), at.child("ports").index(index));
            if name.is_empty() {
                continue;
            }
            match first.get(name) {
                Some(other) => said.push(format!(
                    "{at}: duplicate port name {name:?} with {other}, services and probes that select ports by name \
                     will use {other}"
                )),
                None => {
                    first.insert(name, at);
                }
            }
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case reads better without a reference at each `json!`"
    )]
    fn check(spec: Value, expected: &[&str]) {
        assert_eq!(warnings(&Path::new("spec"), &spec), expected);
    }

    #[test]
    fn memory_comes_in_whole_bytes() {
        let container = json!({"name": "a", "resources": {"limits": {"memory": "500m", "cpu": "500m"}}});
        let said = "spec.containers[0].resources.limits[memory]: fractional byte value \"500m\" is invalid, must be an \
                    integer";
        check(json!({"containers": [container]}), &[said]);
    }

    #[test]
    fn a_variable_may_add_to_itself_and_not_hide_itself() {
        let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "3"}]);
        let said = "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply";
        check(json!({"containers": [{"env": env}]}), &[said]);
    }

    #[test]
    fn ports_that_meet_are_told() {
        let port = json!({"containerPort": 80, "protocol": "TCP", "name": "web"});
        let said = [
            "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
            "spec.containers[1].ports[0]: duplicate port name \"web\" with spec.containers[0].ports[0], services and \
             probes that select ports by name will use spec.containers[0].ports[0]",
        ];
        check(json!({"containers": [{"ports": [port]}, {"ports": [port]}]}), &said);
    }

    #[test]
    fn a_secret_to_pull_by_has_a_name() {
        check(json!({"imagePullSecrets": [{}]}), &["spec.imagePullSecrets[0].name: invalid empty name \"\""]);
    }
}
