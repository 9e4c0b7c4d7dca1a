//! kubectl's last-applied annotation: migration from client-side apply, and its update by server-side apply.

use serde_json::Value;

use super::compare::compare;
use super::field_set::FieldSet;
use super::field_set_of::field_set_of;
use super::validate::validate;
use super::value_type::ValueType;
use crate::object::view::metadata;

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Maximum total size of an object's annotations in bytes.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

fn annotation(object: &Value) -> Option<&str> {
    metadata::annotations(object)?.get(ANNOTATION)?.as_str().filter(|text| !text.is_empty())
}

/// The fields in the annotation whose values are unchanged in the object; `None` if there are none.
pub(super) fn fields(live: &Value, api_version: &str, value_type: ValueType<'_>) -> Option<FieldSet> {
    let last: Value = serde_json::from_str(annotation(live)?).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(api_version) {
        return None;
    }
    for object in [live, &last] {
        validate(object, value_type, false).ok()?;
    }
    let claimed = field_set_of(&last, value_type).ok()?;
    let drifted = compare(&last, live, value_type).ok()?;
    Some(claimed.difference(&drifted.modified).difference(&drifted.added).difference(&drifted.removed))
}

/// Updates the annotation, if it exists, to the applied configuration.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let mut config = config.clone();
    let own = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    own.and_then(|annotations| annotations.remove(ANNOTATION));
    crate::object::decode::scalar::plain_numbers(&mut config);
    // Go's JSON encoder escapes HTML characters.
    let text = format!("{config}\n").replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.insert(ANNOTATION.to_owned(), text.into());
    let size: usize =
        annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATIONS_LIMIT {
        annotations.remove(ANNOTATION);
    }
}
