//! Validation of `anyOf`, `oneOf`, `allOf` and `not`.
//!
//! If all alternatives fail, the errors of that with the most passed checks are reported, too. There is no ratcheting
//! within combinations.

use serde_json::Value;

use super::node::SchemaNode;
use super::outcome::ValidationResult;
use crate::error::field::go_quoted;

pub(super) fn check(node: &SchemaNode, value: &Value, path: &str) -> ValidationResult {
    let mut outcome = ValidationResult::default();
    any_of(&node.any_of, value, path, &mut outcome);
    one_of(&node.one_of, value, path, &mut outcome);
    all_of(&node.all_of, value, path, &mut outcome);
    if node.not.as_ref().is_some_and(|not| not.check(value, path).is_valid()) {
        outcome.add_schema_error(format!("{} must not validate the schema (not)", go_quoted(path)));
    }
    outcome.matches += 1;
    outcome
}

fn any_of(schemas: &[SchemaNode], value: &Value, path: &str, outcome: &mut ValidationResult) {
    let mut best: Option<ValidationResult> = None;
    for schema in schemas {
        let found = schema.check(value, path);
        if found.is_valid() {
            outcome.merge(found);
            return;
        }
        if best.as_ref().is_none_or(|best| found.matches > best.matches) {
            best = Some(found);
        }
    }
    if let Some(best) = best {
        outcome.add_schema_error(format!("{} must validate at least one schema (anyOf)", go_quoted(path)));
        outcome.merge(best);
    }
}

fn one_of(schemas: &[SchemaNode], value: &Value, path: &str, outcome: &mut ValidationResult) {
    if schemas.is_empty() {
        return;
    }
    let (mut valid, mut first, mut best): (usize, Option<ValidationResult>, Option<ValidationResult>) =
        (0, None, None);
    for schema in schemas {
        let found = schema.check(value, path);
        if found.is_valid() {
            valid += 1;
            best = None;
            first.get_or_insert(found);
        } else if valid == 0 && best.as_ref().is_none_or(|best| found.matches > best.matches) {
            best = Some(found);
        }
    }
    let count = match valid {
        1 => {
            outcome.merge(first.expect("the one valid alternative was kept"));
            return;
        }
        0 => "Found none valid".to_owned(),
        n => format!("Found {n} valid alternatives"),
    };
    outcome.add_schema_error(format!(
        "{} must validate one and only one schema (oneOf). {count}",
        go_quoted(path)
    ));
    if let Some(best) = best {
        outcome.merge(best);
    }
}

fn all_of(schemas: &[SchemaNode], value: &Value, path: &str, outcome: &mut ValidationResult) {
    let mut valid = 0;
    for schema in schemas {
        let found = schema.check(value, path);
        valid += usize::from(found.is_valid());
        outcome.merge(found);
    }
    if valid != schemas.len() {
        let none = if valid == 0 { ". None validated" } else { "" };
        outcome.add_schema_error(format!("{} must validate all the schemas (allOf){none}", go_quoted(path)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(property: &Value, value: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = SchemaNode::parse(&schema).validate(&json!({"x": value}), "");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn one_of_reports_the_number_of_matches_and_the_best_alternative() {
        let schema = json!({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
        check(
            &schema,
            &json!({}),
            &[
                r#"<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid"#,
                "x.a: Required value",
            ],
        );
        let two = r#"<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives"#;
        check(&schema, &json!({"a": 1, "b": 2}), &[two]);
        check(&schema, &json!({"b": 2}), &[]);
    }

    #[test]
    fn any_of_reports_the_best_alternative() {
        let schema = json!({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]});
        let none = r#"<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)"#;
        check(&schema, &json!({}), &[none, "x.a: Required value"]);
    }

    #[test]
    fn all_of_reports_each_failure_and_a_summary() {
        let schema = json!({"type": "string", "allOf": [{"minLength": 3}, {"pattern": "^x"}]});
        check(
            &schema,
            &json!("yy"),
            &[
                r#"x: Invalid value: "yy": x in body should be at least 3 chars long"#,
                r#"x: Invalid value: "yy": x in body should match '^x'"#,
                r#"<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated"#,
            ],
        );
        check(
            &schema,
            &json!("xy"),
            &[
                r#"x: Invalid value: "xy": x in body should be at least 3 chars long"#,
                r#"<nil>: Invalid value: "": "x" must validate all the schemas (allOf)"#,
            ],
        );
    }

    #[test]
    fn not_rejects_matching_values() {
        let schema = json!({"type": "string", "not": {"enum": ["bad"]}});
        check(
            &schema,
            &json!("bad"),
            &[r#"<nil>: Invalid value: "": "x" must not validate the schema (not)"#],
        );
        check(&schema, &json!("good"), &[]);
    }
}
