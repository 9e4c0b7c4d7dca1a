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

/// One condition as a reconciler sees it now, without the history that [`merge`] adds.
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

/// Joins what was observed at `now` for `generation` with the conditions that are there.
///
/// `lastTransitionTime` moves only when the status does. Conditions of other types are left alone, and the
/// order of those that exist stays.
pub fn merge(
    existing: &[Condition],
    observed: &[Observation],
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let mut merged = existing.to_vec();
    for observation in observed {
        let old = merged.iter_mut().find(|condition| condition.type_ == observation.type_);
        let since = match &old {
            Some(condition) if condition.status == observation.status.as_str() => {
                condition.last_transition_time.clone()
            }
            _ => Time(now),
        };
        let new = Condition {
            type_: observation.type_.to_owned(),
            status: observation.status.as_str().to_owned(),
            reason: observation.reason.to_owned(),
            message: observation.message.clone(),
            observed_generation: Some(generation),
            last_transition_time: since,
        };
        match old {
            Some(condition) => *condition = new,
            None => merged.push(new),
        }
    }
    merged
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

    use super::{Observation, Truth, is_true, merge};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time in range")
    }

    fn ready(status: Truth, message: &str) -> Observation {
        Observation { type_: "Ready", status, reason: "Because", message: message.to_owned() }
    }

    #[test]
    fn the_transition_time_stays_while_the_status_stays() {
        let first = merge(&[], &[ready(Truth::False, "not yet")], 1, at(10));
        let second = merge(&first, &[ready(Truth::False, "still not")], 2, at(20));
        assert_eq!(second[0].last_transition_time.0, at(10));
        assert_eq!((second[0].message.as_str(), second[0].observed_generation), ("still not", Some(2)));
    }

    #[test]
    fn the_transition_time_moves_with_the_status() {
        let first = merge(&[], &[ready(Truth::False, "not yet")], 1, at(10));
        let second = merge(&first, &[ready(Truth::True, "now")], 1, at(20));
        assert_eq!(second[0].last_transition_time.0, at(20));
    }

    #[test]
    fn an_unchanged_observation_changes_nothing() {
        let first = merge(&[], &[ready(Truth::True, "now")], 1, at(10));
        // A difference here would make every reconcile write, and every write wake the reconciler again.
        assert_eq!(merge(&first, &[ready(Truth::True, "now")], 1, at(99)), first);
    }

    #[test]
    fn conditions_of_other_types_are_left_alone() {
        let other = Observation { type_: "Provisioned", ..ready(Truth::True, "made") };
        let first = merge(&[], &[other], 1, at(10));
        let second = merge(&first, &[ready(Truth::True, "now")], 2, at(20));
        assert_eq!(second[0], first[0]);
        assert_eq!(second.len(), 2);
    }

    #[test]
    fn a_condition_about_an_older_spec_does_not_count() {
        let conditions = merge(&[], &[ready(Truth::True, "now")], 1, at(10));
        assert!(is_true(&conditions, "Ready", Some(1)));
        assert!(!is_true(&conditions, "Ready", Some(2)));
        assert!(!is_true(&conditions, "Provisioned", Some(1)));
    }
}
