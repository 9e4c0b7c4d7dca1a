//! POST of reviews that a client makes of itself: who it is, and what it may do. Nothing is stored.
//!
//! Everybody may do everything here, so what a client may do itself is known. What somebody else may do would have to be
//! read from rules, which are not modelled.

use serde_json::{Value, json};

use super::scope::Scope;
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::apply::managed_fields::Sent;
use crate::registry::user;

/// The answer to the review that the scope's resource is; nothing for a review that is not modelled.
pub(crate) fn create(scope: &Scope<'_>) -> Option<Result<Reply, ApiError>> {
    match scope.resource.kind.as_str() {
        "SelfSubjectReview" => Some(who(scope)),
        "SelfSubjectAccessReview" => Some(may(scope)),
        _ => None,
    }
}

/// `SelfSubjectReview`: who asks.
fn who(scope: &Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "CreateOptions")?;
    let review = scope.intake(options.field_validation)?;
    let answer = json!({
        "kind": review["kind"], "apiVersion": review["apiVersion"],
        "metadata": {"creationTimestamp": scope.core.clock.seconds()},
        "status": {"userInfo": {"username": *scope.user, "groups": user::groups(&scope.user)}},
    });
    Ok(Reply::value(201, &answer))
}

/// `SelfSubjectAccessReview`: whether who asks may do something.
fn may(scope: &Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "CreateOptions")?;
    let mut review = scope.intake(options.field_validation)?;
    let errors = wrong(&review);
    if !errors.is_empty() {
        // The server has lost the review's kind by then.
        return Err(ApiError::invalid(&scope.resource.group, "", "", &errors));
    }
    let managed_fields = scope.field_managers().created(&review, Sent::Nothing, &scope.manager(&options));
    if let Some(map) = review.as_object_mut() {
        map.entry("metadata").or_insert_with(|| json!({}));
        map.insert("status".into(), Value::from_iter([("allowed", true)]));
    }
    managed_fields.put(&mut review);
    Ok(Reply::value(201, &review))
}

fn wrong(review: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (path, of_resource) =
        (&review["spec"]["nonResourceAttributes"], &review["spec"]["resourceAttributes"]);
    if path.is_null() == of_resource.is_null() {
        let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let given =
            if path.is_null() { Value::Null } else { json!({"Path": path["path"], "Verb": path["verb"]}) };
        errors.push(FieldError::invalid("spec", given, why));
    }
    let metadata = review.get("metadata").and_then(Value::as_object);
    if metadata.is_some_and(|fields| fields.values().any(|value| !value.is_null())) {
        errors.push(FieldError::invalid("metadata", review["metadata"].clone(), "must be empty"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_asks_for_one_thing_and_has_no_name() {
        let texts = |review: Value| wrong(&review).iter().map(ToString::to_string).collect::<Vec<_>>();
        let path = json!({"path": "/metrics", "verb": "get"});
        assert_eq!(texts(json!({"spec": {"nonResourceAttributes": path}})), Vec::<String>::new());
        assert_eq!(
            texts(json!({"spec": {"nonResourceAttributes": path, "resourceAttributes": {}}})),
            [
                "spec: Invalid value: {\"Path\":\"/metrics\",\"Verb\":\"get\"}: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            ]
        );
        let named = json!({"metadata": {"name": "a"}, "spec": {"resourceAttributes": {}}});
        assert_eq!(texts(named), ["metadata: Invalid value: {\"name\":\"a\"}: must be empty"]);
    }
}
