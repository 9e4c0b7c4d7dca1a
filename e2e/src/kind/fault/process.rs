//! SIGKILL for the process of a Pod's container, as in a crash or by the out-of-memory killer.
//!
//! The kubelet finds out and starts the container again, so there is nothing to undo.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use super::super::cluster::Cluster;
use super::super::error::KindError;

/// Kills the first process of a Pod's container, with SIGKILL.
pub(in super::super) async fn kill_process(
    cluster: &Cluster,
    pod: &Pod,
    container: &str,
) -> Result<(), KindError> {
    let (node, id) = place(pod, container)?;
    let node = cluster.node(node).await?;
    node.exec_well(&["ctr", "--namespace=k8s.io", "tasks", "kill", "--signal", "SIGKILL", id]).await.map(drop)
}

/// The node that a container runs on, and containerd's name for it.
fn place<'p>(pod: &'p Pod, container: &str) -> Result<(&'p str, &'p str), KindError> {
    let refuse = |reason: String| KindError::Fault {
        fault: "killing a process",
        node: pod.name_any(),
        reason,
        next: "wait until the Pod runs, and give the Pod as the API server has it then",
    };
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let node = node.ok_or_else(|| refuse("the Pod was not given a node yet".into()))?;
    let statuses =
        pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let Some(status) = statuses.iter().find(|status| status.name == container) else {
        let names: Vec<_> = statuses.iter().map(|status| status.name.as_str()).collect();
        return Err(refuse(format!("its status has no container {container:?}, but [{}]", names.join(", "))));
    };
    let running = status.state.as_ref().is_some_and(|state| state.running.is_some());
    let id = status.container_id.as_deref().and_then(|id| id.split_once("://")).map(|(_, id)| id);
    match id {
        Some(id) if running => Ok((node, id)),
        _ => Err(refuse(format!("container {container:?} does not run"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(state: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": []},
            "status": {"containerStatuses": [{
                "name": "c", "containerID": "containerd://abc", "state": state,
                "image": "", "imageID": "", "ready": true, "restartCount": 0,
            }]},
        }))
        .unwrap()
    }

    #[test]
    fn a_running_container_is_found_by_node_and_identity() {
        assert_eq!(place(&pod(&json!({"running": {}})), "c").unwrap(), ("n", "abc"));
    }

    #[test]
    fn a_container_that_does_not_run_or_is_not_there_is_refused_with_what_is_there() {
        let error = place(&pod(&json!({"waiting": {}})), "c").unwrap_err().to_string();
        assert!(error.contains("container \"c\" does not run"), "{error}");
        let error = place(&pod(&json!({"running": {}})), "d").unwrap_err().to_string();
        assert!(error.contains("no container \"d\", but [c]"), "{error}");
    }
}
