//! Cells of Pod, as kube-apiserver 1.37 prints them, with a status that summarises the containers.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, is_true, list, number, text, text_or};

/// Summary of the container statuses.
#[derive(Default)]
struct ContainerSummary {
    status: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

/// Name, ready, status, restarts, age, IP, node, nominated node, readiness gates.
pub(super) fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let init = list(object, &["spec", "initContainers"]);
    let sidecars = init.iter().filter(|c| is_sidecar(c)).count();
    let total = list(object, &["spec", "containers"]).len() + sidecars;
    let summary = summary(object, init);
    let restarts = match summary.last_restart {
        Some(time) if summary.restarts != 0 => {
            let ago = age::human(now.duration_since(time).as_secs());
            format!("{} ({ago} ago)", summary.restarts)
        }
        _ => summary.restarts.to_string(),
    };
    let none = "<none>";
    let ip = list(object, &["status", "podIPs"]).first().map_or(none, |ip| text_or(ip, &["ip"], none));
    vec![
        metadata::name(object).into(),
        format!("{}/{total}", summary.ready).into(),
        summary.status.into(),
        restarts.into(),
        age::of(object, now).into(),
        ip.into(),
        text_or(object, &["spec", "nodeName"], none).into(),
        text_or(object, &["status", "nominatedNodeName"], none).into(),
        readiness_gates(object).into(),
    ]
}

fn summary(object: &Value, init: &[Value]) -> ContainerSummary {
    let phase = text(object, &["status", "phase"]);
    let reason = text(object, &["status", "reason"]);
    let conditions = list(object, &["status", "conditions"]);
    let mut summary = ContainerSummary {
        status: if reason.is_empty() { phase } else { reason }.to_owned(),
        ..ContainerSummary::default()
    };
    let gated = |c: &Value| text(c, &["type"]) == "PodScheduled" && text(c, &["reason"]) == "SchedulingGated";
    if conditions.iter().any(gated) {
        "SchedulingGated".clone_into(&mut summary.status);
    }
    let (initializing, sidecars) = init_containers(object, init, &mut summary);
    if !initializing || is_true(conditions, "Initialized") {
        summary.restarts = sidecars.restarts;
        summary.last_restart = sidecars.last_restart;
        containers(object, &mut summary);
    }
    if metadata::is_deleting(object) {
        if reason == "NodeLost" {
            "Unknown".clone_into(&mut summary.status);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut summary.status);
        }
    }
    summary
}

/// Summarises the init containers. Returns true if one is still running or has failed, and the restarts of sidecars.
fn init_containers(
    object: &Value,
    init: &[Value],
    summary: &mut ContainerSummary,
) -> (bool, ContainerSummary) {
    let mut sidecars = ContainerSummary::default();
    for (index, container) in list(object, &["status", "initContainerStatuses"]).iter().enumerate() {
        let name = text(container, &["name"]);
        let sidecar = init.iter().any(|c| text(c, &["name"]) == name && is_sidecar(c));
        count_restarts(container, summary);
        if sidecar {
            count_restarts(container, &mut sidecars);
        }
        let terminated = at(container, &["state", "terminated"]).filter(|t| t.is_object());
        let waiting = text(container, &["state", "waiting", "reason"]);
        if terminated.is_some_and(|t| number(t, &["exitCode"]) == 0) {
            continue;
        }
        if sidecar && flag(container, "started") {
            summary.ready += usize::from(flag(container, "ready"));
            continue;
        }
        summary.status = match terminated {
            Some(terminated) => format!("Init:{}", termination_reason(terminated)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{}", init.len()),
        };
        return (true, sidecars);
    }
    (false, sidecars)
}

/// Summarises the containers from last to first, so that the reason of the first one has precedence.
fn containers(object: &Value, summary: &mut ContainerSummary) {
    let mut running = false;
    let mut failure = None;
    for container in list(object, &["status", "containerStatuses"]).iter().rev() {
        count_restarts(container, summary);
        let waiting = text(container, &["state", "waiting", "reason"]);
        let terminated = at(container, &["state", "terminated"]).filter(|t| t.is_object());
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.status);
        } else if let Some(terminated) = terminated {
            summary.status = termination_reason(terminated);
            if number(terminated, &["exitCode"]) != 0 {
                failure = Some(summary.status.clone());
            }
        } else if flag(container, "ready") && at(container, &["state", "running"]).is_some() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.status == "Completed" {
        let ready = is_true(list(object, &["status", "conditions"]), "Ready");
        summary.status = match failure {
            _ if running && ready => "Running".to_owned(),
            Some(failure) => failure,
            None if running => "NotReady".to_owned(),
            None => "Completed".to_owned(),
        };
    }
}

/// The reason, signal or exit code of a terminated container.
fn termination_reason(terminated: &Value) -> String {
    let (reason, signal) = (text(terminated, &["reason"]), number(terminated, &["signal"]));
    if !reason.is_empty() {
        reason.to_owned()
    } else if signal != 0 {
        format!("Signal:{signal}")
    } else {
        format!("ExitCode:{}", number(terminated, &["exitCode"]))
    }
}

fn count_restarts(container: &Value, summary: &mut ContainerSummary) {
    summary.restarts += number(container, &["restartCount"]);
    let finished = text(container, &["lastState", "terminated", "finishedAt"]).parse().ok();
    summary.last_restart = summary.last_restart.max(finished);
}

fn is_sidecar(container: &Value) -> bool {
    text(container, &["restartPolicy"]) == "Always"
}

fn flag(container: &Value, field: &str) -> bool {
    container.get(field).and_then(Value::as_bool).unwrap_or_default()
}

fn readiness_gates(object: &Value) -> String {
    let gates = list(object, &["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let conditions = list(object, &["status", "conditions"]);
    let open = gates.iter().filter(|gate| is_true(conditions, text(gate, &["conditionType"]))).count();
    format!("{open}/{}", gates.len())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn shown(status: Value) -> (String, String, String) {
        let mut object = json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c"}, {"name": "d"}], "initContainers": [{"name": "i"}]},
        });
        object["status"] = status;
        let cells = pod(&object, "2026-11-22T18:36:21Z".parse().unwrap());
        let text = |at: usize| cells[at].as_str().unwrap().to_owned();
        (text(1), text(2), text(3))
    }

    #[rstest]
    #[case(json!({"phase": "Pending"}), "0/2", "Pending")]
    #[case(json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}), "0/2", "SchedulingGated")]
    #[case(json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}), "0/2", "Init:0/1")]
    #[case(json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 2}}}]}), "0/2", "Init:ExitCode:2")]
    #[case(json!({"phase": "Running", "containerStatuses": [
        {"name": "c", "ready": true, "state": {"running": {}}}, {"name": "d", "ready": true, "state": {"running": {}}},
    ]}), "2/2", "Running")]
    #[case(json!({"phase": "Running", "containerStatuses": [
        {"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}, {"name": "d", "ready": true, "state": {"running": {}}},
    ]}), "1/2", "CrashLoopBackOff")]
    #[case(json!({"phase": "Succeeded", "containerStatuses": [
        {"name": "c", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
    ]}), "0/2", "Completed")]
    fn status_summarises_the_containers(#[case] status: Value, #[case] ready: &str, #[case] expected: &str) {
        let (shown_ready, shown_status, _) = shown(status);
        assert_eq!((shown_ready.as_str(), shown_status.as_str()), (ready, expected));
    }

    #[test]
    fn restarts_contain_the_age_of_the_last() {
        let status = json!({"phase": "Running", "containerStatuses": [{
            "name": "c", "restartCount": 3, "lastState": {"terminated": {"finishedAt": "2026-11-22T18:31:21Z"}},
        }]});
        assert_eq!(shown(status).2, "3 (5m ago)");
    }
}
