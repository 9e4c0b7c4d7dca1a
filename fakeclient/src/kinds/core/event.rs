//! Event in both of its groups (apiserver's `core/validation/events.go`, 1.37).
//!
//! Errors name the fields of the core version for both groups.

mod conversion;

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::kinds::rules::names::qualified_name;
use crate::object::view::fields::FieldAccess;
use crate::object::view::metadata;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// Maximum length of the short strings of an Event, in characters.
const MAX_SHORT_LEN: usize = 128;
/// Maximum length of the message, in characters.
const MAX_MESSAGE_LEN: usize = 1024;

/// `events` of the core group; if `strict`, of `events.k8s.io`.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) strict: bool,
}

impl CreateStrategy for Event {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = self.common_errors(object);
        if self.strict {
            errors.extend(self.new_event_errors(object));
        }
        errors
    }
}

impl UpdateStrategy for Event {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.common_errors(object);
        if self.strict {
            if object["series"] != old["series"] {
                errors.extend(series_errors(object));
            }
            errors.extend(self.immutable_errors(object, old));
        }
        errors
    }
}

impl DeleteStrategy for Event {
    fn supports_propagation(&self) -> bool {
        false
    }
}

impl Strategy for Event {
    fn convert_to_served(&self, object: &mut Value) -> Result<bool, ApiError> {
        conversion::to_served(object);
        Ok(true)
    }

    fn convert_to_stored(&self, object: &mut Value) -> Result<bool, ApiError> {
        conversion::to_stored(object);
        Ok(true)
    }
}
impl StatusStrategy for Event {}

impl Event {
    /// The name in this group of a field of the core version.
    fn field(&self, core: &'static str) -> &'static str {
        match core {
            _ if !self.strict => core,
            "involvedObject" => "regarding",
            "message" => "note",
            "source" => "deprecatedSource",
            "firstTimestamp" => "deprecatedFirstTimestamp",
            "lastTimestamp" => "deprecatedLastTimestamp",
            "count" => "deprecatedCount",
            "reportingComponent" => "reportingController",
            other => other,
        }
    }

    fn of<'v>(&self, object: &'v Value, core: &'static str) -> &'v Value {
        &object[self.field(core)]
    }

    /// Errors of any Event.
    fn common_errors(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let namespace = metadata::text(object, "namespace");
        let about = self.of(object, "involvedObject").text("namespace");
        let timed = object.has("eventTime");
        let elsewhere = match (about, timed) {
            ("", true) => !matches!(namespace, "default" | "kube-system"),
            ("", false) => !matches!(namespace, "" | "default"),
            (_, true) => false,
            (about, false) => about != namespace,
        };
        if elsewhere {
            let why = "does not match event.namespace";
            errors.push(FieldError::invalid("involvedObject.namespace", about.into(), why));
        }
        if !timed {
            return errors;
        }
        let controller = self.field("reportingComponent");
        let reporter = object.text(controller);
        if reporter.is_empty() {
            errors.push(FieldError::required(controller, ""));
        }
        let wrong = qualified_name(reporter);
        errors.extend(wrong.into_iter().map(|why| FieldError::invalid(controller, reporter.into(), why)));
        for field in ["reportingInstance", "action", "reason"] {
            let text = object.text(field);
            if text.is_empty() {
                errors.push(FieldError::required(field, ""));
            }
            errors.extend(too_long(field, text, MAX_SHORT_LEN));
        }
        errors.extend(too_long(
            "message",
            self.of(object, "message").as_str().unwrap_or_default(),
            MAX_MESSAGE_LEN,
        ));
        errors
    }

    /// Errors of a new Event of `events.k8s.io`: required fields, and deprecated ones that must be unset.
    fn new_event_errors(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = series_errors(object);
        if !object.has("eventTime") {
            errors.push(FieldError::required("eventTime", ""));
        }
        let kind = object.text("type");
        if !matches!(kind, "Normal" | "Warning") {
            errors.push(FieldError::invalid("type", "".into(), format!("has invalid value: {kind}")));
        }
        let set = |core: &'static str| match self.of(object, core) {
            Value::Null => false,
            Value::Number(count) => count.as_i64() != Some(0),
            Value::Object(source) => !source.is_empty(),
            _ => true,
        };
        let unset =
            ["firstTimestamp", "lastTimestamp", "count", "source"].into_iter().filter(|core| set(core));
        errors.extend(unset.map(|core| FieldError::invalid(core, "".into(), "needs to be unset")));
        errors
    }

    /// Errors of changes to immutable fields by an update through `events.k8s.io`.
    fn immutable_errors(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        const FIXED: [&str; 14] = [
            "involvedObject",
            "reason",
            "message",
            "source",
            "firstTimestamp",
            "lastTimestamp",
            "count",
            "reason",
            "type",
            "eventTime",
            "action",
            "related",
            "reportingComponent",
            "reportingInstance",
        ];
        let changed = FIXED.into_iter().filter(|core| self.of(object, core) != self.of(old, core));
        changed
            .map(|core| {
                let name = if core == "reportingComponent" { "reportingController" } else { core };
                FieldError::invalid(name, go_struct(core, self.of(object, core)), "field is immutable")
            })
            .collect()
    }
}

fn too_long(field: &str, text: &str, limit: usize) -> Option<FieldError> {
    let why = format!("can have at most {limit} characters");
    (text.len() > limit).then(|| FieldError::invalid(field, "".into(), why))
}

fn series_errors(object: &Value) -> Vec<FieldError> {
    let series = &object["series"];
    let mut errors = Vec::new();
    if series.is_object() {
        if series.number("count").unwrap_or(0) < 2 {
            errors.push(FieldError::invalid("series.count", "".into(), "should be at least 2"));
        }
        if !series.has("lastObservedTime") {
            errors.push(FieldError::required("series.lastObservedTime", ""));
        }
    }
    errors
}

/// A value as the server's Go struct prints it: with Go's field names, none omitted.
fn go_struct(core: &str, value: &Value) -> Value {
    const REFERENCE: [(&str, &str); 7] = [
        ("Kind", "kind"),
        ("Namespace", "namespace"),
        ("Name", "name"),
        ("UID", "uid"),
        ("APIVersion", "apiVersion"),
        ("ResourceVersion", "resourceVersion"),
        ("FieldPath", "fieldPath"),
    ];
    let fields: &[(&str, &str)] = match core {
        "involvedObject" => &REFERENCE,
        "related" if value.is_object() => &REFERENCE,
        "source" => &[("Component", "component"), ("Host", "host")],
        "count" => return if value.is_null() { json!(0) } else { value.clone() },
        "firstTimestamp" | "lastTimestamp" | "eventTime" | "related" => return value.clone(),
        _ => return value.as_str().unwrap_or_default().into(),
    };
    let shown: Vec<String> =
        fields.iter().map(|(go, own)| format!("{go:?}:{}", Value::from(value.text(own)))).collect();
    let text = format!("{{{}}}", shown.join(","));
    Value::Object(Map::from_iter([(FieldError::VERBATIM.to_owned(), text.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::texts;

    #[test]
    fn involved_object_in_another_namespace_is_rejected() {
        let event = json!({"metadata": {"namespace": "a"}, "involvedObject": {"namespace": "b"}});
        let expected = "involvedObject.namespace: Invalid value: \"b\": does not match event.namespace";
        assert_eq!(texts(&Event { strict: false }.validate_create(&event)), [expected]);
        let timed = json!({"metadata": {"namespace": "a"}, "involvedObject": {"namespace": "b"},
            "eventTime": "2001-01-01T00:00:00.000000Z", "reportingComponent": "c", "reportingInstance": "i",
            "action": "act", "reason": "why"});
        assert_eq!(texts(&Event { strict: false }.validate_create(&timed)), Vec::<String>::new());
    }

    #[test]
    fn new_event_of_events_group_requires_its_fields() {
        let event =
            json!({"metadata": {"namespace": "a"}, "regarding": {"namespace": "a"}, "deprecatedCount": 1});
        let expected = [
            "eventTime: Required value",
            "type: Invalid value: \"\": has invalid value: ",
            "count: Invalid value: \"\": needs to be unset",
        ];
        assert_eq!(texts(&Event { strict: true }.validate_create(&event)), expected);
    }

    #[test]
    fn involved_object_is_immutable() {
        let event = |name: &str| json!({"metadata": {"namespace": "a"}, "regarding": {"namespace": "a", "name": name}});
        let expected = "involvedObject: Invalid value: {\"Kind\":\"\",\"Namespace\":\"a\",\"Name\":\"c\",\"UID\":\"\",\
                        \"APIVersion\":\"\",\"ResourceVersion\":\"\",\"FieldPath\":\"\"}: field is immutable";
        let errors = Event { strict: true }.validate_update(&event("c"), &event("b"));
        assert_eq!(texts(&errors), [expected]);
    }
}
