//! The Pod network: CNI plugins that every node image has, and routes between the nodes' Pods.
//!
//! kind's own network needs an image of its own; this needs none, works in any kernel that Docker works in, and can be
//! put in place again after a node has lost its routes. It does not know what a Pod is.

use bollard::Docker;
use bytes::Bytes;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt as _;
use serde_json::json;

use super::error::KindError;
use super::node::well;
use super::ready::{ObjectsByName, address, pod_subnet};
use crate::docker::exec;

/// Folder of the plugins' address leases, which a restarted node deletes since it has no Pods.
const LEASED: &str = "/run/cni-seatrial";

/// Reads the configuration from its input; everything else stands in the arguments. It can run again at any time.
///
/// The file is written under its own name: containerd 1.6 looks at the folder when a file in it was written, and
/// misses one that gets its name later.
const SCRIPT: &str = r#"set -eu
own=$1 all=$2; shift 2
mkdir -p /etc/cni/net.d
cat > /etc/cni/net.d/10-seatrial.conflist
while [ $# -gt 1 ]; do ip route replace "$1" via "$2"; shift 2; done
rule="POSTROUTING -s $own ! -d $all -o eth0 -j MASQUERADE"
iptables -w -t nat -C $rule 2>/dev/null || iptables -w -t nat -A $rule
"#;

/// Puts the network in place on these nodes, which are among those of the cluster.
pub(super) async fn apply(
    docker: &Docker,
    all: &ObjectsByName<Node>,
    on: impl Iterator<Item = &str>,
    pods: &str,
) -> Result<(), KindError> {
    try_join_all(on.map(|name| apply_on(docker, all, name, pods))).await.map(drop)
}

async fn apply_on(
    docker: &Docker,
    all: &ObjectsByName<Node>,
    name: &str,
    pods: &str,
) -> Result<(), KindError> {
    let Some(own) = all.get(name).and_then(pod_subnet) else {
        return Err(KindError::NoCluster {
            name: name.to_owned(),
            reason: "the Node has no subnet for Pods".into(),
        });
    };
    let mut command = vec!["sh", "-c", SCRIPT, "network", own, pods];
    for other in all.values().filter(|node| node.name_any() != name) {
        if let (Some(subnet), Some(address)) = (pod_subnet(other), address(other)) {
            command.extend([subnet, address]);
        }
    }
    let input = futures::stream::iter([Ok(Bytes::from(configuration(own)))]);
    well(name, &["putting the Pods' network in place"], exec(docker, name, &command, input).await?).map(drop)
}

fn configuration(subnet: &str) -> String {
    let addresses = json!({
        "type": "host-local", "dataDir": LEASED,
        "ranges": [[{"subnet": subnet}]], "routes": [{"dst": "0.0.0.0/0"}],
    });
    json!({
        "cniVersion": "0.3.1", "name": "seatrial",
        "plugins": [
            {"type": "ptp", "ipMasq": false, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_gives_pods_addresses_of_the_node_s_own_subnet() {
        let text = configuration("10.244.1.0/24");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["plugins"][0]["ipam"]["ranges"][0][0]["subnet"], "10.244.1.0/24");
        assert_eq!(value["plugins"][1]["type"], "portmap");
    }
}
