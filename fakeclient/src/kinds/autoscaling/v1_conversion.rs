//! Conversion of autoscalers between `autoscaling/v1` and the stored `autoscaling/v2` (kube-apiserver 1.37).
//!
//! `autoscaling/v1` has one metric, the CPU utilization. The server keeps all else in annotations: here only
//! conditions. Other metrics and behavior answer 501.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::kinds::defaults;
use crate::object::view::fields::{FieldAccess, object_mut, remove, set, set_default};

const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const UNKNOWN: [&str; 3] = ["metrics", "current-metrics", "behavior"];
const USE_OF_CPU: &str = "targetCPUUtilizationPercentage";

/// Converts a stored autoscaler to `autoscaling/v1`.
pub(super) fn served(object: &mut Value) -> Result<(), ApiError> {
    let spec = object_mut(object, "spec");
    if spec.has("behavior") {
        return Err(not_modelled("behavior"));
    }
    let target = match spec.list("metrics") {
        [] => None,
        [metric] => {
            Some(cpu_utilization(metric).ok_or_else(|| not_modelled("measures other than the use of CPUs"))?)
        }
        _ => return Err(not_modelled("several measures")),
    };
    remove(spec, "metrics");
    if let Some(target) = target {
        set(spec, USE_OF_CPU, target);
    }
    let status = object_mut(object, "status");
    if !status.list("currentMetrics").is_empty() {
        return Err(not_modelled("current measures"));
    }
    remove(status, "currentMetrics");
    let conditions = status.list("conditions").iter().map(condition).collect::<Vec<_>>().join(",");
    remove(status, "conditions");
    // `autoscaling/v1` always prints the counts, `autoscaling/v2` always prints the metrics.
    set_default(status, "currentReplicas", 0);
    set_default(status, "desiredReplicas", 0);
    if !conditions.is_empty() {
        let annotations = object_mut(object_mut(object, "metadata"), "annotations");
        set(annotations, CONDITIONS, format!("[{conditions}]"));
    }
    defaults::apply("io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler", object);
    Ok(())
}

/// Converts an autoscaler of `autoscaling/v1` to the stored version, with its defaults.
pub(super) fn stored(object: &mut Value) -> Result<(), ApiError> {
    let conditions = take_conditions(object)?;
    let spec = object_mut(object, "spec");
    if let Some(target) = spec.number(USE_OF_CPU) {
        let target = json!({"type": "Utilization", "averageUtilization": target});
        set(spec, "metrics", json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
        remove(spec, USE_OF_CPU);
    }
    let status = object_mut(object, "status");
    if status.has("currentCPUUtilizationPercentage") {
        return Err(not_modelled("current measures"));
    }
    if status.number("currentReplicas") == Some(0) {
        remove(status, "currentReplicas");
    }
    set(status, "currentMetrics", Value::Null);
    if let Some(conditions) = conditions {
        set(status, "conditions", conditions);
    }
    defaults::apply("io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler", object);
    Ok(())
}

/// Removes the annotation with the conditions. Returns the conditions.
fn take_conditions(object: &mut Value) -> Result<Option<Value>, ApiError> {
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return Ok(None);
    };
    for unknown in UNKNOWN {
        if annotations.contains_key(&format!("autoscaling.alpha.kubernetes.io/{unknown}")) {
            return Err(not_modelled(unknown));
        }
    }
    let text = annotations.remove(CONDITIONS);
    if annotations.is_empty() {
        remove(object_mut(object, "metadata"), "annotations");
    }
    Ok(text.and_then(|text| serde_json::from_str(text.as_str()?).ok()))
}

/// The average utilization of a CPU resource metric; `None` for any other metric.
fn cpu_utilization(metric: &Value) -> Option<i64> {
    let resource = &metric["resource"];
    let of_cpu = metric.text("type") == "Resource" && resource.text("name") == "cpu";
    if of_cpu { resource["target"].number("averageUtilization") } else { None }
}

/// A condition in the order of its Go struct.
fn condition(condition: &Value) -> String {
    let parts =
        ["type", "status", "lastTransitionTime", "reason", "message"].into_iter().filter_map(|field| {
            let value = condition.get(field).cloned().unwrap_or_default();
            let left_out = matches!(field, "reason" | "message") && value.is_null();
            (!left_out).then(|| format!("\"{field}\":{value}"))
        });
    format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
}

fn not_modelled(what: &str) -> ApiError {
    ApiError::not_modelled(&format!("{what} of a HorizontalPodAutoscaler in autoscaling/v1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_utilization_and_conditions_round_trip() {
        let older = json!({"metadata": {"name": "a"}, "spec": {"maxReplicas": 2, USE_OF_CPU: 50}});
        let mut object = older.clone();
        stored(&mut object).unwrap();
        assert_eq!(object["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
        object["status"]["conditions"] =
            json!([{"type": "AbleToScale", "status": "True", "lastTransitionTime": null, "reason": "R"}]);
        let newer = object.clone();
        served(&mut object).unwrap();
        assert_eq!(
            object["metadata"]["annotations"][CONDITIONS],
            r#"[{"type":"AbleToScale","status":"True","lastTransitionTime":null,"reason":"R"}]"#
        );
        assert_eq!(object["spec"][USE_OF_CPU], 50);
        stored(&mut object).unwrap();
        assert_eq!(object, newer);
    }

    #[test]
    fn other_metrics_are_not_modelled() {
        let mut object = json!({"spec": {"behavior": {"scaleDown": {}}}});
        assert_eq!(served(&mut object).unwrap_err().code, 501);
        let mut object = json!({"spec": {"metrics": [{"type": "Pods"}]}});
        assert_eq!(served(&mut object).unwrap_err().code, 501);
    }
}
