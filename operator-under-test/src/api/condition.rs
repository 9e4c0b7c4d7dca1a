//! Status conditions (`metav1.Condition`): their schema and their transition times.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The status of a condition (`metav1.ConditionStatus`); k8s-openapi has a `String` in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// The controller cannot decide.
    Unknown,
}

impl ConditionStatus {
    /// The value of the field `status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// One condition as observed by a reconcile, without the transition time that [`conditions`] adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedCondition {
    /// The condition's type, in `CamelCase`.
    pub type_: &'static str,
    /// The condition's status.
    pub status: ConditionStatus,
    /// The reason, one `CamelCase` word.
    pub reason: &'static str,
    /// The message for people.
    pub message: String,
}

/// The conditions to apply for `observed`, in the same order.
///
/// `lastTransitionTime` is kept while the status is the same. Conditions of other types are left out, so that a
/// server-side apply leaves them to their field managers.
pub fn conditions(
    existing: &[Condition],
    observed: &[ObservedCondition],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |observation: &ObservedCondition| {
        let status = observation.status.as_str();
        let old = existing.iter().find(|condition| condition.type_ == observation.type_);
        let since = old.filter(|old| old.status == status).map(|old| old.last_transition_time.clone());
        Condition {
            type_: observation.type_.to_owned(),
            status: status.to_owned(),
            reason: observation.reason.to_owned(),
            message: observation.message.clone(),
            observed_generation: Some(generation),
            last_transition_time: since.unwrap_or(Time(now)),
        }
    };
    observed.iter().map(condition).collect()
}

/// True if `existing` contains all of `applied`, besides conditions of other types.
pub(crate) fn contains_all(existing: &[Condition], applied: &[Condition]) -> bool {
    applied.iter().all(|condition| existing.contains(condition))
}

/// True if the condition `type_` is true and was observed for `generation`.
pub fn is_condition_true(conditions: &[Condition], type_: &str, generation: Option<i64>) -> bool {
    conditions.iter().any(|condition| {
        condition.type_ == type_ && condition.status == "True" && condition.observed_generation == generation
    })
}

/// The schema of a list of conditions: a map by type, with the limits that `metav1.Condition` states.
pub(crate) fn conditions_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "minLength": 1, "maxLength": 316},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {"type": "string", "maxLength": 32768},
                "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
                "lastTransitionTime": {"type": "string", "format": "date-time"}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::{ConditionStatus, ObservedCondition, conditions, contains_all, is_condition_true};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time in range")
    }

    fn ready(status: ConditionStatus, message: &str) -> ObservedCondition {
        ObservedCondition { type_: "Ready", status, reason: "Because", message: message.to_owned() }
    }

    #[test]
    fn the_transition_time_stays_while_the_status_stays() {
        let first = conditions(&[], &[ready(ConditionStatus::False, "not yet")], 1, at(10));
        let second = conditions(&first, &[ready(ConditionStatus::False, "still not")], 2, at(20));
        assert_eq!(second[0].last_transition_time.0, at(10));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("still not", Some(2)));
    }

    #[test]
    fn the_transition_time_moves_with_the_status() {
        let first = conditions(&[], &[ready(ConditionStatus::False, "not yet")], 1, at(10));
        let second = conditions(&first, &[ready(ConditionStatus::True, "now")], 1, at(20));
        assert_eq!(second[0].last_transition_time.0, at(20));
    }

    #[test]
    fn an_unchanged_observation_gives_equal_conditions() {
        let first = conditions(&[], &[ready(ConditionStatus::True, "now")], 1, at(10));
        // If they differed, each reconcile would write the status and so trigger the next one.
        assert_eq!(conditions(&first, &[ready(ConditionStatus::True, "now")], 1, at(99)), first);
    }

    #[test]
    fn conditions_of_other_types_are_not_applied() {
        let other = ObservedCondition { type_: "Provisioned", ..ready(ConditionStatus::True, "made") };
        let mut existing = conditions(&[], &[other], 1, at(10));
        let applied = conditions(&existing, &[ready(ConditionStatus::True, "now")], 2, at(20));
        assert_eq!(applied.iter().map(|condition| condition.type_.as_str()).collect::<Vec<_>>(), ["Ready"]);
        assert!(!contains_all(&existing, &applied));
        existing.extend(applied.clone());
        assert!(contains_all(&existing, &applied));
    }

    #[test]
    fn a_condition_of_an_older_generation_is_not_true() {
        let all = conditions(&[], &[ready(ConditionStatus::True, "now")], 1, at(10));
        assert!(is_condition_true(&all, "Ready", Some(1)));
        assert!(!is_condition_true(&all, "Ready", Some(2)));
        assert!(!is_condition_true(&all, "Provisioned", Some(1)));
    }
}
