//! Warnings of a Pod's spec or a template's in kube-apiserver 1.37: valid values that are deprecated or probably
//! unintended.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::error::path::Path;
use crate::kinds::rules::ip;
use crate::kinds::rules::names::label_value;
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

use super::{affinity, app_armor};

const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

const DEPRECATED_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];

const DEPRECATED_VOLUMES: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

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

/// Warnings of a Pod (with an empty path) or of a template.
pub(crate) fn warnings(place: &Path, pod: &Value) -> Vec<String> {
    let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
    let (path, noted) = (&place.child("spec"), &place.child("metadata").child("annotations"));
    let mut said = node_labels(path, spec);
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
    for (key, why) in DEPRECATED_ANNOTATIONS {
        if metadata["annotations"].has(key) {
            said.push(format!("{}: {why}", noted.key(key)));
        }
    }
    said.extend(volumes(&path.child("volumes"), spec.list("volumes")));
    said.extend(repeated(&path.child("hostAliases"), spec.list("hostAliases"), "ip"));
    said.extend(repeated(&path.child("imagePullSecrets"), spec.list("imagePullSecrets"), "name"));
    for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
        if secret.text("name").is_empty() {
            let at = path.child("imagePullSecrets").index(index).child("name");
            said.push(format!("{at}: invalid empty name \"\""));
        }
    }
    said.extend(fractional(&path.child("overhead"), &spec["overhead"]));
    said.extend(seccomp(noted, metadata, &spec["securityContext"], SECCOMP_OF_POD));
    for (at, container) in containers(path, spec) {
        let annotation = format!("{SECCOMP_OF_CONTAINER}{}", container.text("name"));
        said.extend(seccomp(noted, metadata, &container["securityContext"], &annotation));
        // For a Pod, the synchronisation of fields and annotations has added the warning already.
        if *place != Path::default() {
            said.extend(app_armor::deprecated(noted, metadata, spec, container));
        }
        let resources = &container["resources"];
        for resource in ["memory", "ephemeral-storage"] {
            for list in ["limits", "requests"] {
                let below = at.child("resources").child(list);
                said.extend(fraction(&below, &resources[list], resource));
            }
        }
        said.extend(repeated_env(&at.child("env"), container.list("env")));
    }
    said.extend(ports(path, spec));
    said.extend(port_names(path, spec));
    if spec.number("terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        let at = path.child("terminationGracePeriodSeconds");
        said.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    for at in affinity::absent_selectors(&path.child("affinity"), &spec["affinity"]) {
        said.push(format!("{at}: a null labelSelector results in matching no pod"));
    }
    said.extend(addresses(path, spec));
    said
}

fn addresses(path: &Path, spec: &Value) -> Vec<String> {
    let at = path.child("dnsConfig").child("nameservers");
    let servers = spec["dnsConfig"].list("nameservers").iter().enumerate();
    let servers =
        servers.filter_map(|(index, server)| ip::non_canonical_address(&at.index(index), server.as_str()?));
    let at = path.child("hostAliases");
    let aliases = spec.list("hostAliases").iter().enumerate();
    let aliases = aliases.filter_map(|(index, alias)| {
        ip::non_canonical_address(&at.index(index).child("ip"), alias.text("ip"))
    });
    servers.chain(aliases).collect()
}

/// Warnings of deprecated node labels, and of invalid label values in preferred node affinity.
fn node_labels(path: &Path, spec: &Value) -> Vec<String> {
    let mut said = Vec::new();
    for (key, _) in spec.entries("nodeSelector") {
        if let Some(why) = deprecated(key) {
            said.push(format!("{}: {why}", path.child("nodeSelector").key(key)));
        }
    }
    for (at, expression, wish) in affinity::node_expressions(&path.child("affinity"), &spec["affinity"]) {
        let key = expression.text("key");
        if let Some(why) = deprecated(key) {
            said.push(format!("{}: {key} is {why}", at.child("key")));
        }
        for (index, value) in expression.list("values").iter().enumerate().filter(|_| wish) {
            let value = value.as_str().unwrap_or_default();
            let at = at.child("values").index(index);
            said.extend(label_value(value).iter().map(|why| format!("{at}: {value} is invalid, {why}")));
        }
    }
    said
}

fn volumes(path: &Path, volumes: &[Value]) -> Vec<String> {
    let all = volumes.iter().enumerate();
    all.flat_map(|(index, volume)| {
        let old = DEPRECATED_VOLUMES.iter().filter(|(kind, _)| volume.has(kind));
        old.map(move |(kind, why)| format!("{}: {why}", path.index(index).child(kind)))
    })
    .collect()
}

/// The warning of a deprecated seccomp annotation without an equal field.
fn seccomp(path: &Path, metadata: &Value, context: &Value, key: &str) -> Option<String> {
    let alone = metadata["annotations"].has(key) && !context.has("seccompProfile");
    alone.then(|| {
        format!("{}: non-functional in v1.27+; use the \"seccompProfile\" field instead", path.key(key))
    })
}

fn deprecated(label: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(key, _)| *key == label).map(|(_, why)| *why)
}

/// Container lists, in the server's order.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers, in the server's order.
pub(super) fn containers<'s>(path: &Path, spec: &'s Value) -> Vec<(Path, &'s Value)> {
    CONTAINER_LISTS
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

/// The warning of a fractional number of bytes.
fn fraction(path: &Path, resources: &Value, name: &str) -> Option<String> {
    let quantity = Quantity::parse(resources.get(name)?.as_str()?).ok()?;
    (quantity.milli() % 1000 != 0).then(|| {
        let shown = quantity.canonical();
        format!("{}: fractional byte value {shown:?} is invalid, must be an integer", path.key(name))
    })
}

/// Warnings of repeated environment variables, unless a later one refers to the earlier.
fn repeated_env(path: &Path, env: &[Value]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut said = Vec::new();
    for (index, variable) in env.iter().enumerate() {
        let name = variable.text("name");
        if seen.insert(name) {
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
            if !port.text("hostIP").is_empty() && host(port) == 0 {
                let (name, (number, protocol), ip) = (port.text("name"), key, port.text("hostIP"));
                said.push(format!(
                    "{at}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{number} \
                     Protocol:{protocol} HostIP:{ip}}}"
                ));
            }
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
        assert_eq!(warnings(&Path::default(), &json!({"spec": spec})), expected);
    }

    #[test]
    fn fractional_bytes_cause_a_warning() {
        let container = json!({"name": "a", "resources": {"limits": {"memory": "500m", "cpu": "500m"}}});
        let said = "spec.containers[0].resources.limits[memory]: fractional byte value \"500m\" is invalid, must be an \
                    integer";
        check(json!({"containers": [container]}), &[said]);
    }

    #[test]
    fn repeated_variable_causes_a_warning_unless_it_refers_to_itself() {
        let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "3"}]);
        let said = "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply";
        check(json!({"containers": [{"env": env}]}), &[said]);
    }

    #[test]
    fn conflicting_ports_cause_a_warning() {
        let port = json!({"containerPort": 80, "protocol": "TCP", "name": "web"});
        let said = [
            "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
            "spec.containers[1].ports[0]: duplicate port name \"web\" with spec.containers[0].ports[0], services and \
             probes that select ports by name will use spec.containers[0].ports[0]",
        ];
        check(json!({"containers": [{"ports": [port]}, {"ports": [port]}]}), &said);
    }

    #[test]
    fn pull_secret_without_name_causes_a_warning() {
        check(json!({"imagePullSecrets": [{}]}), &["spec.imagePullSecrets[0].name: invalid empty name \"\""]);
    }
}
