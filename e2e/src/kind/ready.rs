//! Waiting, by watch, until objects of a cluster are ready, with the last state in the error.
//!
//! It knows what makes a node ready and a cluster usable; not how they came to be.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::error::KindError;

/// Objects by name.
pub(super) type ObjectsByName<K> = BTreeMap<String, K>;

/// An API server that comes back is asked again soon: whoever waits here waits for exactly that.
struct RetryDelays;

impl Iterator for RetryDelays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(250))
    }
}

impl Backoff for RetryDelays {
    fn reset(&mut self) {}
}

/// Follows a kind's objects until the check finds what it looks for; until then it says what it sees instead.
pub(super) async fn until<K, T>(
    api: Api<K>,
    config: watcher::Config,
    limit: Duration,
    what: &str,
    mut check: impl FnMut(&ObjectsByName<K>) -> Result<T, String>,
) -> Result<T, KindError>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut last = "nothing".to_owned();
    let follow = async {
        let mut events = watcher(api, config).backoff(RetryDelays).boxed();
        let mut seen = ObjectsByName::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => seen.clear(),
                Ok(Event::InitApply(object)) => {
                    seen.insert(object.name_any(), object);
                    continue;
                }
                Ok(Event::Apply(object)) => drop(seen.insert(object.name_any(), object)),
                Ok(Event::Delete(object)) => drop(seen.remove(&object.name_any())),
                Ok(Event::InitDone) => {}
                Err(error) => {
                    last = format!("the API server does not answer: {}", crate::failure::sentence(&error));
                    continue;
                }
            }
            match check(&seen) {
                Ok(found) => return found,
                Err(instead) => last = instead,
            }
        }
        unreachable!("a watcher goes on for ever")
    };
    let found = tokio::time::timeout(limit, follow).await.ok();
    found.ok_or_else(|| KindError::TooLate { what: what.to_owned(), seconds: limit.as_secs(), last })
}

/// The Pod subnets of this number of nodes, once they have them.
pub(super) async fn pod_subnets(
    client: &Client,
    count: usize,
    limit: Duration,
) -> Result<ObjectsByName<Node>, KindError> {
    let what = format!("{count} nodes did not all get a subnet for their Pods");
    until(
        Api::all(client.clone()),
        watcher::Config::default(),
        limit,
        &what,
        |nodes: &ObjectsByName<Node>| {
            let with = nodes.values().filter(|node| pod_subnet(node).is_some()).count();
            if with >= count {
                Ok(nodes.clone())
            } else {
                Err(format!("{with} of {} nodes have one", nodes.len()))
            }
        },
    )
    .await
}

/// The subnet that a node's Pods have their addresses from.
pub(super) fn pod_subnet(node: &Node) -> Option<&str> {
    node.spec.as_ref()?.pod_cidr.as_deref()
}

/// The internal address of a node.
pub(super) fn address(node: &Node) -> Option<&str> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    addresses.iter().find(|address| address.type_ == "InternalIP").map(|address| address.address.as_str())
}

/// Waits until all nodes are ready and the cluster's DNS answers.
pub(super) async fn cluster(client: &Client, count: usize, limit: Duration) -> Result<(), KindError> {
    let nodes = until(
        Api::all(client.clone()),
        watcher::Config::default(),
        limit,
        "the nodes did not get ready",
        |nodes: &ObjectsByName<Node>| {
            let unready: Vec<_> = nodes.values().filter_map(not_ready).collect();
            match (nodes.len() >= count, unready.is_empty()) {
                (true, true) => Ok(()),
                (true, false) => Err(unready.join("; ")),
                (false, _) => Err(format!("{} of {count} nodes are there", nodes.len())),
            }
        },
    );
    nodes.await?;
    let system: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    let only = watcher::Config::default().fields("metadata.name=coredns");
    until(system, only, limit, "the cluster's DNS did not get ready", |found: &ObjectsByName<Deployment>| {
        let status = found.values().find_map(|dns| dns.status.as_ref());
        match status.and_then(|status| status.available_replicas) {
            Some(available) if available > 0 => Ok(()),
            _ => Err("no replica of coredns is available".to_owned()),
        }
    })
    .await
}

/// Reason why a node is not ready; `None` for a ready one.
fn not_ready(node: &Node) -> Option<String> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition.type_ == "Ready"));
    match ready {
        Some(condition) if condition.status == "True" => None,
        Some(condition) => {
            let why = condition.message.as_deref().unwrap_or_default();
            Some(format!("{} is not ready ({}): {why}", node.name_any(), condition.status))
        }
        None => Some(format!("{} has not said whether it is ready", node.name_any())),
    }
}

/// Waits until a node is ready, by what it said after a moment. What the cluster last heard from a node that was away
/// counts as true for a while.
pub(super) async fn node_since(
    client: &Client,
    node: &str,
    since: Timestamp,
    limit: Duration,
) -> Result<(), KindError> {
    let only = watcher::Config::default().fields(&format!("metadata.name={node}"));
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let what = format!("{node} gave no sign of life");
    until(leases, only.clone(), limit, &what, |leases: &ObjectsByName<Lease>| {
        let renewed =
            leases.values().find_map(|lease| lease.spec.as_ref()?.renew_time.as_ref().map(|time| time.0));
        match renewed {
            Some(renewed) if renewed > since => Ok(()),
            Some(renewed) => Err(format!("its last sign of life is of {renewed}")),
            None => Err("it has no Lease".to_owned()),
        }
    })
    .await?;
    let what = format!("{node} did not get ready");
    until(Api::all(client.clone()), only, limit, &what, |nodes: &ObjectsByName<Node>| {
        nodes.values().next().map_or_else(
            || Err("there is no such Node".to_owned()),
            |node| not_ready(node).map_or(Ok(()), Err),
        )
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Namespace;
    use kube::api::PostParams;
    use seatrial_fakeclient::FakeCluster;
    use serde_json::json;

    fn node(ready: Option<&str>) -> Node {
        let conditions =
            ready.map(|status| json!([{"type": "Ready", "status": status, "message": "no network"}]));
        serde_json::from_value(json!({
            "metadata": {"name": "n"}, "spec": {"podCIDR": "10.1.0.0/24"},
            "status": {"conditions": conditions, "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.200.0.2"}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_node_that_is_not_ready_says_why() {
        assert_eq!(not_ready(&node(Some("True"))), None);
        assert_eq!(not_ready(&node(Some("Unknown"))).unwrap(), "n is not ready (Unknown): no network");
        assert_eq!(not_ready(&node(None)).unwrap(), "n has not said whether it is ready");
    }

    #[test]
    fn a_node_s_subnet_and_address_are_read_from_it() {
        assert_eq!(
            (pod_subnet(&node(None)), address(&node(None))),
            (Some("10.1.0.0/24"), Some("10.200.0.2"))
        );
    }

    #[tokio::test]
    async fn later_objects_are_seen_by_watch() {
        let cluster = FakeCluster::builder().build().unwrap();
        let api: Api<Namespace> = Api::all(cluster.client());
        let wait =
            until(api.clone(), watcher::Config::default(), Duration::from_secs(30), "nothing came", |seen| {
                seen.contains_key("late").then_some(()).ok_or_else(|| format!("{} namespaces", seen.len()))
            });
        let late: Namespace = serde_json::from_value(json!({"metadata": {"name": "late"}})).unwrap();
        let parameters = PostParams::default();
        let create = api.create(&parameters, &late);
        let (waited, created) = futures::join!(wait, create);
        waited.unwrap();
        created.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn timeout_reports_the_last_state() {
        let cluster = FakeCluster::builder().build().unwrap();
        let api: Api<Namespace> = Api::all(cluster.client());
        let wait =
            until(api, watcher::Config::default(), Duration::from_secs(3), "no such thing came", |seen| {
                Err::<(), _>(format!("{} namespaces", seen.keys().filter(|name| *name == "default").count()))
            });
        let error = wait.await.unwrap_err().to_string();
        assert!(error.starts_with("no such thing came within 3 s; last seen: 1 namespaces"), "{error}");
    }
}
