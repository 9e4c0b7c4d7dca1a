//! Matchers of a part of an object, as JSON or YAML.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::display::{short, to_json};
use crate::expect::{Matcher, Mismatch};
use crate::managed_fields::FieldCursor;

/// Made by [`match_json`] and [`match_yaml`].
pub struct MatchJson(Value);

/// The object has at least these fields with these values.
///
/// Objects may have fields that are not named. The items of a list that have a `type` or a `name`, as conditions and
/// containers have, are looked for by it, and the list may have others. Other lists must have as many items, each of
/// which matches the item in its place. `null` is a field that is absent or null.
pub fn match_json(partial: impl Serialize) -> MatchJson {
    MatchJson(serde_json::to_value(partial).expect("an expectation can be written as JSON"))
}

/// The same, written as YAML:
///
/// ```
/// # use seatrial_e2e::matchers::{MatchJson, match_yaml};
/// # let _: MatchJson =
/// match_yaml("
///     spec: {replicas: 3}
///     status:
///       conditions:
///       - {type: Available, status: 'True'}
/// ");
/// ```
///
/// Panics, and so fails its spec, where the text is no YAML.
#[track_caller]
pub fn match_yaml(partial: &str) -> MatchJson {
    match serde_saphyr::from_str(partial) {
        Ok(value) => MatchJson(value),
        Err(error) => panic!("what is to be matched is no YAML: {error}"),
    }
}

impl<T: Serialize> Matcher<T> for MatchJson {
    fn expected(&self) -> String {
        format!("match {}", self.0)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let Some(actual) = actual else { return Err(Mismatch::absent()) };
        let actual = to_json(actual);
        let mut wrong = Vec::new();
        compare("", &FieldCursor::default(), &self.0, &actual, &mut wrong);
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Mismatch::new(wrong.join("; ")).with_difference(&self.0, &part(&self.0, &actual)))
    }
}

/// `way` leads to the actual value, for what its managed fields say.
fn compare<'v>(
    path: &str,
    way: &FieldCursor<'v>,
    wanted: &'v Value,
    actual: &'v Value,
    wrong: &mut Vec<String>,
) {
    let place = || if path.is_empty() { "it".to_owned() } else { path.to_owned() };
    let way = way.clone().at(actual);
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            for (key, wanted) in wanted {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let actual = actual.get(key).unwrap_or(&Value::Null);
                compare(&path, &way.field(key), wanted, actual, wrong);
            }
        }
        (Value::Array(wanted), Value::Array(actual)) if key_of(wanted).is_some() => {
            let key = key_of(wanted).unwrap_or_default();
            for item in wanted {
                let name = &item[key];
                let path = format!("{path}[{}]", name.as_str().unwrap_or_default());
                match actual.iter().enumerate().find(|(_, other)| other[key] == *name) {
                    Some((index, other)) => compare(&path, &way.item(index, other), item, other, wrong),
                    None => wrong.push(format!("{path} is absent")),
                }
            }
        }
        (Value::Array(wanted), Value::Array(actual)) if wanted.len() == actual.len() => {
            for (index, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                compare(&format!("{path}[{index}]"), &way.item(index, actual), wanted, actual, wrong);
            }
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            let (count, written) = (actual.len(), way.last_written());
            wrong.push(format!("{} has {count} items and not {}{written}", place(), wanted.len()));
        }
        (_, Value::Null) if !wanted.is_null() => {
            wrong.push(format!("{} is absent and not {}", place(), short(wanted)));
        }
        (wanted, actual) if wanted != actual => {
            let (actual, wanted) = (short(actual), short(wanted));
            wrong.push(format!("{} is {actual} and not {wanted}{}", place(), way.last_written()));
        }
        _ => {}
    }
}

/// Key that identifies the items of a list, if all of them have it.
fn key_of(items: &[Value]) -> Option<&'static str> {
    let all = |key: &&str| !items.is_empty() && items.iter().all(|item| item[*key].is_string());
    ["type", "name"].into_iter().find(all)
}

/// The part of the actual value that the partial one speaks of.
fn part(wanted: &Value, actual: &Value) -> Value {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            let fields = wanted.iter().filter_map(|(key, wanted)| {
                let actual = actual.get(key)?;
                Some((key.clone(), part(wanted, actual)))
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        (Value::Array(wanted), Value::Array(actual)) if key_of(wanted).is_some() => {
            let key = key_of(wanted).unwrap_or_default();
            let found = |item: &Value| {
                let other = actual.iter().find(|other| other[key] == item[key])?;
                Some(part(item, other))
            };
            Value::Array(wanted.iter().filter_map(found).collect())
        }
        (Value::Array(wanted), Value::Array(actual)) if wanted.len() == actual.len() => {
            Value::Array(wanted.iter().zip(actual).map(|(wanted, actual)| part(wanted, actual)).collect())
        }
        _ => actual.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(partial: Value, actual: &Value, expected: Result<(), &str>) {
        let result = match_json(partial).check(Some(actual)).map_err(|mismatch| mismatch.why().to_owned());
        assert_eq!(result, expected.map_err(str::to_owned));
    }

    #[test]
    fn fields_that_are_not_named_may_be_anything() {
        check(json!({"spec": {"replicas": 3}}), &json!({"spec": {"replicas": 3, "paused": true}}), Ok(()));
    }

    #[test]
    fn a_field_with_another_value_is_reported_by_its_path() {
        check(
            json!({"spec": {"replicas": 3}}),
            &json!({"spec": {"replicas": 2}}),
            Err("spec.replicas is 2 and not 3"),
        );
    }

    #[test]
    fn an_absent_field_is_reported_as_absent_and_null_asks_for_it() {
        check(json!({"spec": {"a": 1}}), &json!({"spec": {}}), Err("spec.a is absent and not 1"));
        check(json!({"spec": {"a": null}}), &json!({"spec": {}}), Ok(()));
        check(json!({"spec": {"a": null}}), &json!({"spec": {"a": 1}}), Err("spec.a is 1 and not (none)"));
    }

    #[test]
    fn a_field_with_another_value_is_reported_with_the_manager_that_wrote_it() {
        let fields = json!({"f:status": {
            "f:replicas": {}, "f:zones": {}, "f:conditions": {r#"k:{"type":"Ready"}"#: {"f:status": {}}},
        }});
        let entry = json!({"manager": "my-operator", "operation": "Update", "subresource": "status", "fieldsV1": fields});
        let actual = json!({
            "metadata": {"managedFields": [entry]},
            "status": {"replicas": 2, "zones": ["a"], "conditions": [{"type": "Synced"}, {"type": "Ready", "status": "False"}]},
        });
        let by = "(last written by my-operator, Update, /status)";
        for (wanted, why) in [
            (json!({"replicas": 3}), "status.replicas is 2 and not 3"),
            (json!({"zones": []}), "status.zones has 1 items and not 0"),
            (json!({"zones": ["b"]}), "status.zones[0] is \"a\" and not \"b\""),
            (
                json!({"conditions": [{"type": "Ready", "status": "True"}]}),
                "status.conditions[Ready].status is \"False\" and not \"True\"",
            ),
        ] {
            check(json!({"status": wanted}), &actual, Err(&format!("{why} {by}")));
        }
        let mismatch = match_json(json!({"status": {"replicas": 3}})).check(Some(&actual)).unwrap_err();
        assert_eq!(mismatch.difference(), Some(" status:\n-  replicas: 3\n+  replicas: 2"));
    }

    #[test]
    fn lists_have_as_many_items() {
        check(json!([1]), &json!([1, 2]), Err("it has 2 items and not 1"));
        check(json!([{"a": 1}]), &json!([{"a": 1, "b": 2}]), Ok(()));
    }

    #[test]
    fn items_with_a_type_or_a_name_are_looked_for_by_it() {
        let actual = json!({"conditions": [{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "False"}]});
        check(json!({"conditions": [{"type": "Ready", "status": "False"}]}), &actual, Ok(()));
        let wanted = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        check(wanted.clone(), &actual, Err("conditions[Ready].status is \"False\" and not \"True\""));
        let mismatch = match_json(wanted).check(Some(&actual)).unwrap_err();
        let difference = " conditions:\n-- status: \"True\"\n+- status: \"False\"\n   type: Ready";
        assert_eq!(mismatch.difference(), Some(difference));
        check(json!({"conditions": [{"type": "Paused"}]}), &actual, Err("conditions[Paused] is absent"));
    }

    #[test]
    fn yaml_says_the_same_and_what_is_none_fails_at_once() {
        let actual = json!({"spec": {"replicas": 2, "paused": true}});
        assert_eq!(match_yaml("spec: {replicas: 2}").check(Some(&actual)), Ok(()));
        let mismatch = match_yaml("spec:\n  replicas: 3").check(Some(&actual)).unwrap_err();
        assert_eq!(mismatch.why(), "spec.replicas is 2 and not 3");
        assert!(std::panic::catch_unwind(|| match_yaml("spec: {").check(Some(&actual))).is_err());
    }

    #[test]
    fn the_difference_shows_only_what_was_asked_about() {
        let actual = json!({"spec": {"replicas": 2, "paused": true}});
        let mismatch = match_json(json!({"spec": {"replicas": 3}})).check(Some(&actual)).unwrap_err();
        assert_eq!(mismatch.difference(), Some(" spec:\n-  replicas: 3\n+  replicas: 2"));
    }
}
