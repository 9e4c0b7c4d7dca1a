//! Clusters that are made for real: several at once, shared, kept, used again, removed.

use std::net::TcpListener;

use k8s_openapi::api::core::v1::{Node, Service};
use kube::{Api, api::ListParams};
use seatrial_e2e::kind::{Cluster, ClusterConfig, NodeConfig, Role, create, reap, reuse};

use crate::surroundings::{REAPING, docker, home, left_of, unique};

async fn ready_nodes(cluster: &Cluster) -> Vec<Node> {
    let api: Api<Node> = Api::all(cluster.client().await.unwrap());
    api.list(&ListParams::default()).await.unwrap().items
}

/// A port of this machine that nobody has just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn two_creates_at_the_same_time_do_not_get_into_each_other_s_way_and_one_that_is_to_be_kept_stays() {
    let (_folder, home) = home();
    let tell = |line: &str| println!("{line}");
    let config = ClusterConfig::new();
    let (one, other) = futures::join!(create(&home, &config, &tell), create(&home, &config, &tell));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.name(), other.name());
    let subnet =
        |name: &str| docker(&["network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", name]);
    assert_ne!(subnet(one.name()), subnet(other.name()), "each has a subnet of its own");
    assert_eq!((ready_nodes(&one).await.len(), ready_nodes(&other).await.len()), (1, 1));
    let name = other.name().to_owned();
    other.delete().await.unwrap();
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
    // As a run does that has failed and was told to keep its cluster.
    let name = one.name().to_owned();
    one.clone().keep("--keep").unwrap();
    drop(one);
    let _alone = REAPING.lock().await;
    let reaped = reap(&home, false).await.unwrap();
    assert!(reaped.kept.contains(&(name.clone(), "--keep".to_owned())), "{reaped:?}");
    assert_eq!(ready_nodes(&Cluster::open(&home, &name).await.unwrap()).await.len(), 1);
    assert!(reap(&home, true).await.unwrap().removed.contains(&name));
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

#[tokio::test]
async fn a_cluster_has_what_its_configuration_asks_for_and_is_there_until_it_is_to_go() {
    let (folder, home) = home();
    std::fs::write(folder.path().join("note"), "ahoy").unwrap();
    let port = free_port();
    let node = NodeConfig::new(Role::ControlPlane)
        .label("seatrial.dev/zone", "a")
        .read_only_mount(folder.path().join("note"), "/note")
        .port(30_080, port)
        .kubeadm_patch(&serde_json::json!({"kind": "KubeletConfiguration", "maxPods": 77}));
    let config = ClusterConfig::new()
        .node(node)
        .pod_subnet("10.245.0.0/16")
        .service_subnet("10.97.0.0/16")
        .kubelet("maxPods", 55);
    let name = unique("asked");
    let cluster = reuse(&home, &name, &config, &|_| ()).await.unwrap();
    let nodes = ready_nodes(&cluster).await;
    assert_eq!(nodes[0].metadata.labels.as_ref().unwrap()["seatrial.dev/zone"], "a");
    assert!(nodes[0].spec.as_ref().unwrap().pod_cidr.as_ref().unwrap().starts_with("10.245."));
    let control_plane = cluster.node("control-plane").await.unwrap();
    assert_eq!(control_plane.exec(&["cat", "/note"]).await.unwrap().stdout, "ahoy");
    assert_eq!(docker(&["port", control_plane.name(), "30080/tcp"]), format!("127.0.0.1:{port}"));
    let services: Api<Service> = Api::namespaced(cluster.client().await.unwrap(), "default");
    let service = services.get("kubernetes").await.unwrap().spec.unwrap_or_default();
    assert!(service.cluster_ip.as_ref().unwrap().starts_with("10.97."), "{service:?}");
    drop(cluster);
    let _alone = REAPING.lock().await;
    // Nobody uses it now, and it was to be kept.
    let reaped = reap(&home, false).await.unwrap();
    assert!(reaped.kept.contains(&(name.clone(), "--reuse".to_owned())), "{reaped:?}");
    // What a killed run may have left is mended when the cluster is used again.
    control_plane.pause().await.unwrap();
    let again = reuse(&home, &name, &config, &|_| ()).await.unwrap();
    assert_eq!(ready_nodes(&again).await[0].metadata.uid, nodes[0].metadata.uid, "it is the same cluster");
    drop(again);
    assert!(reap(&home, true).await.unwrap().removed.contains(&name));
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}
