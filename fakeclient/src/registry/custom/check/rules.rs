//! Validation of `x-kubernetes-validations`: the form of each rule, and the compilation of its expressions.

use serde_json::Value;

use super::go_print;
use super::openapi::NodeContext;
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::cel::validator;
use crate::object::schema::field_path;
use crate::object::schema::structural::Structural;
use crate::object::view::fields::FieldAccess;

const REASONS: [&str; 4] =
    ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

pub(super) fn check_form(schema: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let rules = schema.list("x-kubernetes-validations");
    if rules.is_empty() {
        return;
    }
    let structural = Structural::parse(schema);
    for (index, rule) in rules.iter().enumerate() {
        let at = path.child("x-kubernetes-validations").index(index);
        texts(rule, &at, errors);
        let reason = rule.text("reason");
        if rule.has("reason") && !REASONS.contains(&reason) {
            errors.push(FieldError::not_supported(at.child("reason"), reason.into(), &REASONS));
        }
        let field = rule.text("fieldPath");
        let mut broken = |why: &str| {
            errors.push(FieldError::invalid(at.child("fieldPath"), field.into(), why));
        };
        if !field.is_empty() && field.trim().is_empty() {
            broken("must be non-empty if specified");
        }
        if has_line_break(field) {
            broken("must not contain line breaks");
        }
        let valid = field_path::resolve(field, &structural, field_path::BracketNotation::Allowed).is_ok();
        if !field.is_empty() && !valid {
            broken("must be a valid path");
        }
    }
}

fn texts(rule: &Value, at: &Path, errors: &mut Vec<FieldError>) {
    let (expression, message) = (rule.text("rule").trim(), rule.text("message").trim());
    let broken = |why: &str| FieldError::invalid(at.child("message"), rule.text("message").into(), why);
    if expression.is_empty() {
        errors.push(FieldError::required(at.child("rule"), "rule is not specified"));
    } else if !rule.text("message").is_empty() && message.is_empty() {
        errors.push(broken("must be non-empty if specified"));
    } else if has_line_break(message) {
        errors.push(broken("must not contain line breaks"));
    } else if has_line_break(expression) && message.is_empty() {
        let why = "message must be specified if rule contains line breaks";
        errors.push(FieldError::required(at.child("message"), why));
    }
    let message_expression = rule.text("messageExpression");
    if !message_expression.is_empty() && message_expression.trim().is_empty() {
        let why = "messageExpression must be non-empty if specified";
        errors.push(FieldError::required(at.child("messageExpression"), why));
    }
}

fn has_line_break(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

pub(super) fn check_expressions(
    schema: &Value,
    path: &Path,
    around: &NodeContext,
    is_root: bool,
    errors: &mut Vec<FieldError>,
) {
    let rules = schema.list("x-kubernetes-validations");
    if rules.is_empty() {
        return;
    }
    let structural = Structural::parse(schema);
    for (index, (rule, found)) in rules.iter().zip(validator::problems(&structural, is_root)).enumerate() {
        let at = path.child("x-kubernetes-validations").index(index);
        let printed = || go_print::rule(rule);
        if let Some(why) = found.rule {
            errors.push(FieldError::invalid(at.child("rule"), Value::Null, why).shown_as(printed()));
        }
        if let Some(why) = found.message {
            let at = at.child("messageExpression");
            errors.push(FieldError::invalid(at, Value::Null, why).shown_as(printed()));
        }
        if found.uses_old_self {
            if let Some(list) = &around.uncorrelatable {
                let why = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {list}"
                );
                errors.push(FieldError::invalid(at.child("rule"), rule["rule"].clone(), why));
            }
        } else if let Some(flag) = rule.flag("optionalOldSelf") {
            let why = "may not be set if oldSelf is not used in rule";
            errors.push(FieldError::invalid(at.child("optionalOldSelf"), flag.into(), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_texts(rule: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}},
            "x-kubernetes-validations": [rule]});
        let mut errors = Vec::new();
        check_form(&schema, &Path::new("s"), &mut errors);
        let texts: Vec<String> =
            errors.iter().map(|e| e.to_string().replace("s.x-kubernetes-validations[0].", "")).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn multiline_rule_requires_a_single_line_message() {
        check_texts(&json!({"rule": " "}), &["rule: Required value: rule is not specified"]);
        check_texts(
            &json!({"rule": "true\n&& true"}),
            &["message: Required value: message must be specified if rule contains line breaks"],
        );
        check_texts(
            &json!({"rule": "true", "message": "a\nb"}),
            &["message: Invalid value: \"a\\nb\": must not contain line breaks"],
        );
    }

    #[test]
    fn unknown_reason_and_field_path_are_rejected() {
        check_texts(
            &json!({"rule": "true", "reason": "Foo"}),
            &["reason: Unsupported value: \"Foo\": supported values: \"FieldValueDuplicate\", \
               \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\""],
        );
        check_texts(&json!({"rule": "true", "fieldPath": ".a"}), &[]);
        check_texts(
            &json!({"rule": "true", "fieldPath": ".b"}),
            &["fieldPath: Invalid value: \".b\": must be a valid path"],
        );
    }
}
