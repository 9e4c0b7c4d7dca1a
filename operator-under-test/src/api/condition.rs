//! Conditions as `metav1.Condition` defines them: their schema, and how a new observation joins the old ones.
//!
//! Pure: the time arrives as an argument.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The three values of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Nobody can tell at the moment.
    Unknown,
}

impl Truth {
    /// The word that stands in the object.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(so: bool) -> Self {
        if so { Self::True } else { Self::False }
    }
}

/// One condition as a reconciler sees it now, without the history that [`conditions`] adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The condition's type, in `CamelCase`.
    pub type_: &'static str,
    /// Whether it holds.
    pub status: Truth,
    /// Why, as one `CamelCase` word.
    pub reason: &'static str,
    /// Why, as a sentence for people.
    pub message: String,
}

/// The conditions that a reconciler applies: what it observed at `now` for `generation`, in that order.
///
/// `lastTransitionTime` moves only when the status does. Conditions of other types are not among them, so that a
/// server-side apply leaves them to their owners.
pub fn conditions(
    existing: &[Condition],
    observed: &[Observation],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |observation: &Observation| {
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

/// Whether `existing` says all that `applied` does, whatever conditions of other types it has.
pub(crate) fn says(existing: &[Condition], applied: &[Condition]) -> bool {
    applied.iter().all(|condition| existing.contains(condition))
}

/// Whether the condition `type_` is true for `generation`; a condition about an older spec does not count.
pub fn is_true(conditions: &[Condition], type_: &str, generation: Option<i64>) -> bool {
    conditions.iter().any(|condition| {
        condition.type_ == type_ && condition.status == "True" && condition.observed_generation == generation
    })
}

/// The schema of a list of conditions: a map by type, with the limits that `metav1.Condition` states.
pub(crate) fn list_schema(_: &mut SchemaGenerator) -> Schema {
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

    use super::{Observation, Truth, conditions, is_true, says};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time in range")
    }

    fn ready(status: Truth, message: &str) -> Observation {
        Observation { type_: "Ready", status, reason: "Because", message: message.to_owned() }
    }

    #[test]
    fn the_transition_time_stays_while_the_status_stays() {
        let first = conditions(&[], &[ready(Truth::False, "not yet")], 1, at(10));
        let second = conditions(&first, &[ready(Truth::False, "still not")], 2, at(20));
        assert_eq!(second[0].last_transition_time.0, at(10));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("still not", Some(2)));
    }

    #[test]
    fn the_transition_time_moves_with_the_status() {
        let first = conditions(&[], &[ready(Truth::False, "not yet")], 1, at(10));
        let second = conditions(&first, &[ready(Truth::True, "now")], 1, at(20));
        assert_eq!(second[0].last_transition_time.0, at(20));
    }

    #[test]
    fn an_unchanged_observation_changes_nothing() {
        let first = conditions(&[], &[ready(Truth::True, "now")], 1, at(10));
        // A difference here would make every reconcile write, and every write wake the reconciler again.
        assert_eq!(conditions(&first, &[ready(Truth::True, "now")], 1, at(99)), first);
    }

    #[test]
    fn conditions_of_other_types_are_not_applied() {
        let other = Observation { type_: "Provisioned", ..ready(Truth::True, "made") };
        let mut existing = conditions(&[], &[other], 1, at(10));
        let applied = conditions(&existing, &[ready(Truth::True, "now")], 2, at(20));
        assert_eq!(applied.iter().map(|condition| condition.type_.as_str()).collect::<Vec<_>>(), ["Ready"]);
        assert!(!says(&existing, &applied));
        existing.extend(applied.clone());
        assert!(says(&existing, &applied));
    }

    #[test]
    fn a_condition_about_an_older_spec_does_not_count() {
        let all = conditions(&[], &[ready(Truth::True, "now")], 1, at(10));
        assert!(is_true(&all, "Ready", Some(1)));
        assert!(!is_true(&all, "Ready", Some(2)));
        assert!(!is_true(&all, "Provisioned", Some(1)));
    }
}
