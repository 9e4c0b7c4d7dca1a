//! Part of an object, as JSON.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::expect::difference::to_json;
use crate::expect::{Matcher, Mismatch};

/// Made by [`match_json`].
pub struct MatchJson(Value);

/// The object has at least these fields with these values.
///
/// Objects may have fields that are not named. Lists must have as many items, each of which matches the
/// item in its place. `null` is a field that is absent or null.
pub fn match_json(partial: impl Serialize) -> MatchJson {
    MatchJson(serde_json::to_value(partial).expect("an expectation can be written as JSON"))
}

impl<T: Serialize> Matcher<T> for MatchJson {
    fn expected(&self) -> String {
        format!("match {}", self.0)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let Some(actual) = actual else { return Err(Mismatch::absent()) };
        let actual = to_json(actual);
        let mut wrong = Vec::new();
        compare("", &self.0, &actual, &mut wrong);
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Mismatch::new(wrong.join("; ")).with_difference(&self.0, &part(&self.0, &actual)))
    }
}

fn compare(path: &str, wanted: &Value, actual: &Value, wrong: &mut Vec<String>) {
    let place = || if path.is_empty() { "it".to_owned() } else { path.to_owned() };
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            for (key, wanted) in wanted {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, wanted, actual.get(key).unwrap_or(&Value::Null), wrong);
            }
        }
        (Value::Array(wanted), Value::Array(actual)) if wanted.len() == actual.len() => {
            for (index, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                compare(&format!("{path}[{index}]"), wanted, actual, wrong);
            }
        }
        (Value::Array(wanted), Value::Array(actual)) => {
            wrong.push(format!("{} has {} items and not {}", place(), actual.len(), wanted.len()));
        }
        (_, Value::Null) if !wanted.is_null() => wrong.push(format!("{} is absent", place())),
        (wanted, actual) if wanted != actual => wrong.push(format!("{} is {actual}", place())),
        _ => {}
    }
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
    fn a_field_with_another_value_is_told_by_its_path() {
        check(json!({"spec": {"replicas": 3}}), &json!({"spec": {"replicas": 2}}), Err("spec.replicas is 2"));
    }

    #[test]
    fn an_absent_field_is_told_as_absent_and_null_asks_for_it() {
        check(json!({"spec": {"a": 1}}), &json!({"spec": {}}), Err("spec.a is absent"));
        check(json!({"spec": {"a": null}}), &json!({"spec": {}}), Ok(()));
        check(json!({"spec": {"a": null}}), &json!({"spec": {"a": 1}}), Err("spec.a is 1"));
    }

    #[test]
    fn lists_have_as_many_items() {
        check(json!([1]), &json!([1, 2]), Err("it has 2 items and not 1"));
        check(json!([{"a": 1}]), &json!([{"a": 1, "b": 2}]), Ok(()));
    }

    #[test]
    fn the_difference_shows_only_what_was_asked_about() {
        let actual = json!({"spec": {"replicas": 2, "paused": true}});
        let mismatch = match_json(json!({"spec": {"replicas": 3}})).check(Some(&actual)).unwrap_err();
        assert_eq!(mismatch.difference(), Some(" spec:\n-  replicas: 3\n+  replicas: 2"));
    }
}
