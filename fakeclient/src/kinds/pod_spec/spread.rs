//! Validation of `topologySpreadConstraints`.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::labels;
use crate::object::view::fields::FieldAccess;

use super::affinity::label_keys;

/// Errors of all constraints.
pub(super) fn check(path: &Path, constraints: &[Value]) -> Vec<FieldError> {
    let one = |(index, constraint)| one(&path.index(index), constraint, &constraints[index + 1..]);
    constraints.iter().enumerate().flat_map(one).collect()
}

fn one(path: &Path, constraint: &Value, others: &[Value]) -> Vec<FieldError> {
    let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"));
    let mut errors: Vec<_> = positive(path, "maxSkew", constraint.number("maxSkew").unwrap_or_default());
    if key.is_empty() {
        errors.push(FieldError::required(path.child("topologyKey"), "can not be empty"));
    }
    let actions = ["DoNotSchedule", "ScheduleAnyway"];
    if !actions.contains(&action) {
        let at = path.child("whenUnsatisfiable");
        errors.push(FieldError::not_supported(at, action.into(), &actions));
    }
    if others.iter().any(|o| o.text("topologyKey") == key && o.text("whenUnsatisfiable") == action) {
        let at = path.child("{topologyKey, whenUnsatisfiable}");
        errors.push(FieldError::duplicate(at, format!("{{{key}, {action}}}").into()));
    }
    if let Some(domains) = constraint.number("minDomains") {
        errors.extend(positive(path, "minDomains", domains));
        if action != "DoNotSchedule" {
            let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
            errors.push(FieldError::invalid(path.child("minDomains"), domains.into(), why));
        }
    }
    for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
        let policies = ["Honor", "Ignore"];
        if constraint.has(key) && !policies.contains(&constraint.text(key)) {
            let policy = constraint.text(key).into();
            errors.push(FieldError::not_supported(path.child(key), policy, &policies));
        }
    }
    errors.extend(label_keys(path, constraint));
    errors.extend(labels::selector(&path.child("labelSelector"), &constraint["labelSelector"]));
    errors
}

fn positive(path: &Path, key: &str, number: i64) -> Vec<FieldError> {
    let wrong = (number <= 0)
        .then(|| FieldError::invalid(path.child(key), number.into(), "must be greater than zero"));
    wrong.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn constraint_fields_are_required_and_unique() {
        let errors = check(
            &Path::new("s"),
            &[
                json!({"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 1}),
                json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                    "nodeTaintsPolicy": "Maybe"}),
                json!({"maxSkew": 1, "whenUnsatisfiable": "Panic"}),
            ],
        );
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "s[0].maxSkew: Invalid value: 0: must be greater than zero",
                "s[0].{topologyKey, whenUnsatisfiable}: Duplicate value: \"{zone, ScheduleAnyway}\"",
                "s[0].minDomains: Invalid value: 1: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \
                 ScheduleAnyway",
                "s[1].nodeTaintsPolicy: Unsupported value: \"Maybe\": supported values: \"Honor\", \"Ignore\"",
                "s[2].topologyKey: Required value: can not be empty",
                "s[2].whenUnsatisfiable: Unsupported value: \"Panic\": supported values: \"DoNotSchedule\", \
                 \"ScheduleAnyway\"",
            ]
        );
    }
}
