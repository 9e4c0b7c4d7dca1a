//! Reasons why a Pod's containers do not run, read from its status.
//!
//! It tells what will not mend itself (an image that cannot be had, a container that ends again and again) from what
//! only takes its time. What follows from either is decided elsewhere.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};
use kube::ResourceExt as _;

/// Reasons of a waiting container that do not go away by waiting. The kubelet gives them
/// (`pkg/kubelet/images/types.go`, `pkg/kubelet/kuberuntime`).
const HOPELESS: [&str; 9] = [
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

/// A container that will not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainerFailure {
    pub(crate) pod: String,
    pub(crate) container: String,
    pub(crate) reason: String,
    /// True if it ran and ended, so that it has logs.
    pub(crate) ran: bool,
}

/// The first container of the Pod that will not run.
pub(crate) fn container_failure(pod: &Pod) -> Option<ContainerFailure> {
    statuses(pod).find_map(|status| {
        let reason = hopeless_reason(status)?;
        let ran = status.last_state.as_ref().is_some_and(|last| last.terminated.is_some());
        Some(ContainerFailure { pod: pod.name_any(), container: status.name.clone(), reason, ran })
    })
}

/// State of the Pod's containers as one line; `None` if they run and are ready.
pub(crate) fn waits_for(pod: &Pod) -> Option<String> {
    if let Some(status) = statuses(pod).find(|status| !is_over(status)) {
        let state = status.state.as_ref().map_or_else(|| "not seen yet".into(), state_in_words);
        return Some(format!("Pod {}: container {}: {state}", pod.name_any(), status.name));
    }
    let conditions = pod.status.as_ref()?.conditions.as_deref().unwrap_or_default();
    let unmet = conditions.iter().find(|condition| condition.status != "True")?;
    let words = [&unmet.reason, &unmet.message].map(|words| words.as_deref().unwrap_or_default());
    Some(format!("Pod {} is not {}: {}", pod.name_any(), unmet.type_, words.join(" ").trim()))
}

/// A container's state in words.
pub(crate) fn state_in_words(state: &ContainerState) -> String {
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("waiting");
        return match waiting.message.as_deref() {
            Some(message) => format!("{reason}: {message}"),
            None => reason.to_owned(),
        };
    }
    if let Some(ended) = &state.terminated {
        let reason = ended.reason.as_deref().unwrap_or("Unknown");
        return format!("ended with exit code {} ({reason})", ended.exit_code);
    }
    if state.running.is_some() { "runs and is not ready".into() } else { "not seen yet".into() }
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let first = status.and_then(|status| status.init_container_statuses.as_ref());
    let then = status.and_then(|status| status.container_statuses.as_ref());
    first.into_iter().flatten().chain(then.into_iter().flatten())
}

/// True if nothing has to be waited for: it is ready, or it was there to do something once and has done it.
fn is_over(status: &ContainerStatus) -> bool {
    let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    status.ready || ended.is_some_and(|ended| ended.exit_code == 0)
}

fn hopeless_reason(status: &ContainerStatus) -> Option<String> {
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    if !HOPELESS.contains(&reason) {
        return None;
    }
    let last = status.last_state.as_ref().filter(|last| last.terminated.is_some());
    let last = last.map(|last| {
        format!("; it {} and was restarted {} times", state_in_words(last), status.restart_count)
    });
    let message = waiting.message.as_deref().map(|message| format!(": {message}"));
    Some(format!("{reason}{}{}", message.unwrap_or_default(), last.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(state: &Value) -> Pod {
        let mut status =
            json!({"name": "operator", "image": "a", "imageID": "", "ready": false, "restartCount": 2});
        status.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "metadata": {"name": "operator-1"}, "status": {"containerStatuses": [status]},
        }))
        .unwrap()
    }

    #[track_caller]
    fn check(state: &Value, expected: Option<&str>) {
        assert_eq!(container_failure(&pod(state)).map(|found| found.reason).as_deref(), expected);
    }

    #[test]
    fn image_pull_error_is_a_failure_with_the_kubelet_s_message() {
        let waiting = json!({"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x:1\""});
        check(
            &json!({"state": {"waiting": waiting}}),
            Some("ImagePullBackOff: Back-off pulling image \"x:1\""),
        );
        check(&json!({"state": {"waiting": {"reason": "ErrImageNeverPull"}}}), Some("ErrImageNeverPull"));
    }

    #[test]
    fn crash_looping_container_is_a_failure_with_its_last_state() {
        let found = container_failure(&pod(&json!({
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        })))
        .unwrap();
        assert_eq!(
            found.reason,
            "CrashLoopBackOff; it ended with exit code 1 (Error) and was restarted 2 times"
        );
        assert!(found.ran);
    }

    #[test]
    fn slow_start_is_no_container_failure() {
        for reason in ["ContainerCreating", "PodInitializing", "ErrImagePull"] {
            check(&json!({"state": {"waiting": {"reason": reason}}}), None);
        }
        check(&json!({"state": {"running": {}}}), None);
        // Not ready yet, and restarted before: it may still come up.
        check(&json!({"state": {"terminated": {"exitCode": 1}}}), None);
    }

    #[test]
    fn pod_state_is_that_of_its_first_container_that_is_not_ready() {
        let creating = pod(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}}));
        assert_eq!(
            waits_for(&creating).as_deref(),
            Some("Pod operator-1: container operator: ContainerCreating")
        );
        let unready = pod(&json!({"state": {"running": {}}}));
        assert_eq!(
            waits_for(&unready).as_deref(),
            Some("Pod operator-1: container operator: runs and is not ready")
        );
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available",
        });
        let pod: Pod =
            serde_json::from_value(json!({"metadata": {"name": "a"}, "status": {"conditions": [condition]}}))
                .unwrap();
        assert_eq!(
            waits_for(&pod).as_deref(),
            Some("Pod a is not PodScheduled: Unschedulable 0/1 nodes are available")
        );
    }
}
