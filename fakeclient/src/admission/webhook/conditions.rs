//! `matchConditions`: CEL expressions on the review's request (KEP-3716).

use serde_json::Value;

use crate::object::cel::program::{Program, ResultType};
use crate::object::cel::types::Type;
use crate::object::cel::value::Value as CelValue;
use crate::object::view::fields::FieldAccess;

/// Variables of a condition.
const VARIABLES: [&str; 3] = ["object", "oldObject", "request"];

/// The decision of a webhook's conditions.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    Call,
    Skip,
    /// A condition could not be evaluated, and none is false.
    Fail(String),
}

/// True if a condition asks the authorizer, which is not modelled.
pub(crate) fn use_authorizer(webhook: &Value) -> bool {
    webhook
        .list("matchConditions")
        .iter()
        .any(|condition| condition.text("expression").contains("authorizer"))
}

/// Evaluates the conditions of a webhook for a review's request.
pub(crate) fn decide(webhook: &Value, request: &Value) -> Decision {
    let conditions = webhook.list("matchConditions");
    if conditions.is_empty() {
        return Decision::Call;
    }
    let values = [&request["object"], &request["oldObject"], request].map(CelValue::untyped);
    let mut failures = Vec::new();
    for condition in conditions {
        let types = VARIABLES.map(|name| (name.to_owned(), Type::Dyn)).to_vec();
        let variables = VARIABLES.into_iter().map(str::to_owned).zip(values.clone()).collect();
        let run = Program::compile(condition.text("expression"), types, ResultType::Bool)
            .and_then(|program| program.run(variables));
        match run {
            Ok(CelValue::Bool(false)) => return Decision::Skip,
            Ok(_) => {}
            Err(why) => failures.push(format!("{}: {why}", condition.text("name"))),
        }
    }
    if failures.is_empty() { Decision::Call } else { Decision::Fail(failures.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decided(expressions: &[&str]) -> Decision {
        let conditions: Vec<Value> =
            expressions.iter().map(|text| json!({"name": "c", "expression": text})).collect();
        let request =
            json!({"operation": "CREATE", "object": {"metadata": {"name": "web"}}, "oldObject": null});
        decide(&json!({"matchConditions": conditions}), &request)
    }

    #[test]
    fn all_conditions_must_hold() {
        assert_eq!(decided(&[]), Decision::Call);
        assert_eq!(
            decided(&["object.metadata.name == 'web'", "request.operation != 'DELETE'"]),
            Decision::Call
        );
        assert_eq!(decided(&["object.metadata.name.startsWith('x')"]), Decision::Skip);
    }

    #[test]
    fn a_false_condition_wins_over_one_that_fails() {
        assert_eq!(decided(&["object.spec.x == 1", "false"]), Decision::Skip);
        assert!(matches!(decided(&["object.spec.x == 1"]), Decision::Fail(_)));
    }
}
