//! Conditions that end a wait early: `stop_when(stop::image_pull_back_off())`.
//!
//! A rule looks at the value that is waited for, or at others beside it (`stop_when_in`). It says why there is no
//! hope; a rule that is not sure says nothing.

use serde::Serialize;
use serde_json::Value;

use crate::display::to_json;
use crate::expect::Matcher;

/// Says that, and why, a value will not become what is waited for.
pub trait StopRule<T> {
    /// Reason why there is no hope, if there is none; `None` as a value is an object that is absent.
    fn reason(&self, value: Option<&T>) -> Option<String>;
}

/// Made by [`image_pull_back_off`], [`crash_loop_back_off`] and [`unschedulable`]: rules for a Pod, or a collection of
/// Pods.
pub struct PodRule {
    of: fn(&Value) -> Option<String>,
}

/// Made by [`condition`].
pub struct StopOnCondition {
    kind: String,
    status: String,
}

/// Made by [`once`].
pub struct StopOnce<M>(M);

/// A container's image cannot be had: the kubelet has given up for now (`ImagePullBackOff`), may not pull it
/// (`ErrImageNeverPull`) or cannot read its name (`InvalidImageName`).
pub fn image_pull_back_off() -> PodRule {
    PodRule { of: |pod| waiting(pod, &["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"]) }
}

/// A container ends again and again (`CrashLoopBackOff`); the failure has its last state.
pub fn crash_loop_back_off() -> PodRule {
    PodRule { of: |pod| waiting(pod, &["CrashLoopBackOff"]) }
}

/// No node can take the Pod.
pub fn unschedulable() -> PodRule {
    PodRule {
        of: |pod| {
            let condition = conditions(pod).find(|condition| condition["type"] == "PodScheduled")?;
            let is = condition["status"] == "False" && condition["reason"] == "Unschedulable";
            is.then(|| format!("no node can take {}{}", named("Pod", pod), behind(&condition["message"])))
        },
    }
}

/// The object, or one of a collection, has a condition of a type with a status: `condition("Failed", "True")`.
pub fn condition(kind: &str, status: &str) -> StopOnCondition {
    StopOnCondition { kind: kind.to_owned(), status: status.to_owned() }
}

/// A matcher matches that must not: `once(be_gone())`.
pub fn once<M>(matcher: M) -> StopOnce<M> {
    StopOnce(matcher)
}

impl<T: Serialize> StopRule<T> for PodRule {
    fn reason(&self, value: Option<&T>) -> Option<String> {
        each(value, self.of)
    }
}

impl<T: Serialize> StopRule<T> for StopOnCondition {
    fn reason(&self, value: Option<&T>) -> Option<String> {
        each(value, |object| {
            let is = |one: &&Value| one["type"] == *self.kind && one["status"] == *self.status;
            let condition = conditions(object).find(is)?;
            let why: Vec<_> =
                ["reason", "message"].iter().filter_map(|key| condition[key].as_str()).collect();
            let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(": ")) };
            Some(format!("{} has condition {}={}{why}", named("it", object), self.kind, self.status))
        })
    }
}

impl<T, M: Matcher<T>> StopRule<T> for StopOnce<M> {
    fn reason(&self, value: Option<&T>) -> Option<String> {
        self.0.check(value).is_ok().then(|| format!("it does {}", self.0.expected()))
    }
}

/// The first reason among an object, or the objects of a collection.
fn each<T: Serialize>(value: Option<&T>, reason: impl Fn(&Value) -> Option<String>) -> Option<String> {
    match to_json(value?) {
        Value::Array(items) => items.iter().find_map(reason),
        object => reason(&object),
    }
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

fn waiting(pod: &Value, reasons: &[&str]) -> Option<String> {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    let containers = lists.iter().filter_map(|list| pod.pointer(list)?.as_array()).flatten();
    containers.into_iter().find_map(|container| {
        let waiting = container.pointer("/state/waiting")?;
        let reason = waiting["reason"].as_str().filter(|reason| reasons.contains(reason))?;
        let last = container.pointer("/lastState/terminated/exitCode").and_then(Value::as_i64);
        let last = last.map(|code| format!("; it ended with {code} last")).unwrap_or_default();
        let name = container["name"].as_str().unwrap_or_default();
        Some(format!(
            "container {name} of {} waits: {reason}{}{last}",
            named("Pod", pod),
            behind(&waiting["message"])
        ))
    })
}

fn named(kind: &str, object: &Value) -> String {
    match object.pointer("/metadata/name").and_then(Value::as_str) {
        Some(name) if kind != "it" => format!("{kind} {name}"),
        Some(name) => name.to_owned(),
        None => kind.to_owned(),
    }
}

fn behind(message: &Value) -> String {
    message.as_str().map(|message| format!(": {message}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::matchers::be_gone;

    fn pod(state: &Value) -> Value {
        let status = json!({"containerStatuses": [{"name": "fine"}, {"name": "app", "state": state,
            "lastState": {"terminated": {"exitCode": 3}}}]});
        json!({"metadata": {"name": "web"}, "status": status})
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_reported_with_its_container_and_message() {
        let pod = pod(&json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}));
        let reason = image_pull_back_off().reason(Some(&pod)).unwrap();
        assert!(reason.starts_with("container app of Pod web waits: ImagePullBackOff: no such image"));
        assert_eq!(crash_loop_back_off().reason(Some(&pod)), None);
    }

    #[test]
    fn a_container_that_crashes_is_found_in_a_collection_and_told_with_its_last_end() {
        let fine = pod(&json!({"running": {}}));
        let pods = vec![fine.clone(), pod(&json!({"waiting": {"reason": "CrashLoopBackOff"}}))];
        let reason = crash_loop_back_off().reason(Some(&pods)).unwrap();
        assert_eq!(reason, "container app of Pod web waits: CrashLoopBackOff; it ended with 3 last");
        assert_eq!(crash_loop_back_off().reason(Some(&vec![fine])), None);
    }

    #[test]
    fn an_image_that_is_being_pulled_is_no_reason_to_stop() {
        let pulling = pod(&json!({"waiting": {"reason": "ContainerCreating"}}));
        assert_eq!(image_pull_back_off().reason(Some(&pulling)), None);
    }

    #[test]
    fn unschedulable_pod_and_condition_are_reported() {
        let condition_of = |kind: &str, status: &str, reason: &str| {
            json!({"metadata": {"name": "web"}, "status": {"conditions":
                [{"type": kind, "status": status, "reason": reason, "message": "0/2 nodes"}]}})
        };
        let pod = condition_of("PodScheduled", "False", "Unschedulable");
        assert_eq!(unschedulable().reason(Some(&pod)).unwrap(), "no node can take Pod web: 0/2 nodes");
        let failed = condition_of("Failed", "True", "Quota");
        let rule = condition("Failed", "True");
        assert_eq!(rule.reason(Some(&failed)).unwrap(), "web has condition Failed=True: Quota: 0/2 nodes");
        assert_eq!(rule.reason(Some(&condition_of("Failed", "False", "No"))), None);
    }

    #[test]
    fn any_matcher_can_be_a_rule() {
        assert_eq!(once(be_gone()).reason(None::<&i32>).as_deref(), Some("it does be gone"));
        assert_eq!(once(be_gone()).reason(Some(&1)), None);
    }
}
