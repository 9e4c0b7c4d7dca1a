//! Reviews of a client's own identity and permissions. They are not stored.
//!
//! Every user has all permissions, so those of the client are known. Reviews of other users depend on RBAC, which is
//! not modelled.

use serde_json::{Value, json};

use super::options::WriteOptions;
use super::scope::RequestScope;
use super::update::Part;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::apply::managed_fields::RequestManagedFields;
use crate::registry::user;

/// Answers a review of the scope's resource.
pub(crate) fn review(scope: &RequestScope, review: Value, options: &WriteOptions) -> Result<Value, ApiError> {
    match scope.resource.kind.as_str() {
        "SelfSubjectReview" => Ok(identity(scope, &review)),
        "SelfSubjectAccessReview" => access(scope, review, options),
        _ => Err(not_modelled(scope, "create")),
    }
}

/// 501 for a resource without storage that is not modelled.
pub(crate) fn check_modelled(scope: &RequestScope, verb: &str) -> Result<(), ApiError> {
    let modelled = matches!(scope.resource.kind.as_str(), "SelfSubjectReview" | "SelfSubjectAccessReview");
    if modelled { Ok(()) } else { Err(not_modelled(scope, verb)) }
}

fn not_modelled(scope: &RequestScope, verb: &str) -> ApiError {
    ApiError::not_modelled(&format!("{} ({verb})", scope.resource.group_resource()))
}

/// `SelfSubjectReview`: the identity of the user.
fn identity(scope: &RequestScope, review: &Value) -> Value {
    json!({
        "kind": review["kind"], "apiVersion": review["apiVersion"],
        "metadata": {"creationTimestamp": scope.state.clock.seconds()},
        "status": {"userInfo": {"username": *scope.user, "groups": user::groups(&scope.user)}},
    })
}

/// `SelfSubjectAccessReview`: always allowed.
fn access(scope: &RequestScope, mut review: Value, options: &WriteOptions) -> Result<Value, ApiError> {
    let errors = errors(&review);
    if !errors.is_empty() {
        // The server's error names no kind.
        return Err(ApiError::invalid(&scope.resource.group, "", "", &errors));
    }
    let managed_fields = scope.field_managers().created(
        Part::Main,
        &review,
        RequestManagedFields::Nothing,
        &options.field_manager,
    );
    if let Some(map) = review.as_object_mut() {
        map.entry("metadata").or_insert_with(|| json!({}));
        map.insert("status".into(), Value::from_iter([("allowed", true)]));
    }
    managed_fields.put(&mut review);
    Ok(review)
}

fn errors(review: &Value) -> Vec<FieldError> {
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
    fn review_has_one_kind_of_attributes_and_no_name() {
        let texts = |review: Value| errors(&review).iter().map(ToString::to_string).collect::<Vec<_>>();
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
