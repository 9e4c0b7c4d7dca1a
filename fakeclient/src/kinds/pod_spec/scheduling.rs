//! Validation of tolerations, readiness gates and scheduling gates.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::{label_value, qualified_name};
use crate::object::view::fields::FieldAccess;

/// Errors of `readinessGates`, then of `schedulingGates`.
pub(super) fn gates(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, gate) in spec.list("readinessGates").iter().enumerate() {
        let at = path.child("readinessGates").index(index).child("conditionType");
        let kind = gate.text("conditionType");
        errors.extend(invalid_each(&at, kind, qualified_name(kind)));
    }
    let gates = spec.list("schedulingGates");
    for (index, gate) in gates.iter().enumerate() {
        let at = path.child("schedulingGates").index(index);
        let name = gate.text("name");
        errors.extend(invalid_each(&at, name, qualified_name(name)));
        if gates[..index].iter().any(|other| other.text("name") == name) {
            errors.push(FieldError::duplicate(&at, name.into()));
        }
    }
    errors
}

/// Errors of `tolerations`.
pub(crate) fn tolerations(path: &Path, all: &[Value]) -> Vec<FieldError> {
    all.iter().enumerate().flat_map(|(index, toleration)| one(&path.index(index), toleration)).collect()
}

fn one(path: &Path, toleration: &Value) -> Vec<FieldError> {
    let (key, operator) = (toleration.text("key"), toleration.text("operator"));
    let (value, effect) = (toleration.text("value"), toleration.text("effect"));
    let at_operator = path.child("operator");
    let mut errors = Vec::new();
    if !key.is_empty() {
        errors.extend(invalid_each(&path.child("key"), key, qualified_name(key)));
    } else if operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(&at_operator, operator.into(), why));
    }
    if toleration.has("tolerationSeconds") && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(path.child("effect"), effect.into(), why));
    }
    match operator {
        "Equal" | "" => {
            let wrong = label_value(value);
            if !wrong.is_empty() {
                errors.push(FieldError::invalid(&at_operator, value.into(), wrong.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let why = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(&at_operator, value.into(), why));
        }
        "Exists" => {}
        // The server knows these operators, but their feature gate is off by default.
        "Lt" | "Gt" => {
            let known = ["Equal", "Exists", "Lt", "Gt"];
            errors.push(FieldError::not_supported(&at_operator, operator.into(), &known));
        }
        other => {
            errors.push(FieldError::not_supported(&at_operator, other.into(), &["Equal", "Exists"]));
        }
    }
    let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    if !effect.is_empty() && !known.contains(&effect) {
        errors.push(FieldError::not_supported(path.child("effect"), effect.into(), &known));
    }
    errors
}
