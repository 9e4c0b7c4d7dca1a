//! Waiting until granted rights are in force.
//!
//! An API server's authorizer learns of a new binding a moment after it was stored. Who acts in that moment is
//! denied what it may do, and an operator that starts would end.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role, RoleRef, Subject};
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde::Deserialize;

use crate::audit::{Grant, grants_of};
use crate::failure::{Failure, SpecResult};

/// Longest time that an authorizer may take to learn of a binding.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);

/// The pause between two questions: nothing can be watched here.
const PAUSE: Duration = Duration::from_millis(20);

/// The role and subjects of a binding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    role_ref: RoleRef,
    #[serde(default)]
    subjects: Vec<Subject>,
}

/// Waits until the service accounts of a `RoleBinding` or `ClusterRoleBinding` may do what it says.
pub(crate) async fn in_force(client: &Client, binding: &DynamicObject) -> SpecResult {
    let namespace = binding.metadata.namespace.as_deref();
    let Binding { role_ref, subjects } = serde_json::from_value(binding.data.clone())?;
    let rules = rules_of(client, namespace, &role_ref).await?;
    let grants: Vec<Grant> = rules.iter().flat_map(grants_of).collect();
    let accounts = subjects.iter().filter(|subject| subject.kind == "ServiceAccount");
    let users: Vec<String> = accounts
        .map(|subject| {
            let of = subject.namespace.as_deref().unwrap_or_default();
            format!("system:serviceaccount:{of}:{}", subject.name)
        })
        .collect();
    let questions =
        users.iter().flat_map(|user| grants.iter().map(move |grant| review(user, grant, namespace)));
    try_join_all(questions.map(|question| allowed(client, question))).await.map(drop)
}

async fn rules_of(client: &Client, namespace: Option<&str>, role: &RoleRef) -> SpecResult<Vec<PolicyRule>> {
    let rules = match (role.kind.as_str(), namespace) {
        ("Role", Some(namespace)) => {
            Api::<Role>::namespaced(client.clone(), namespace).get(&role.name).await.map(|role| role.rules)
        }
        _ => Api::<ClusterRole>::all(client.clone()).get(&role.name).await.map(|role| role.rules),
    };
    let what = format!("reading {} {}, which a binding names", role.kind, role.name);
    Ok(rules.map_err(|error| Failure::from(error).during(&what))?.unwrap_or_default())
}

/// Asks until the answer is yes.
async fn allowed(client: &Client, question: SubjectAccessReview) -> SpecResult {
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let asking = async {
        loop {
            let answer = api.create(&PostParams::default(), &question).await?;
            if answer.status.is_some_and(|status| status.allowed) {
                return Ok::<_, kube::Error>(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(KNOWN_WITHIN, asking).await {
        Ok(answered) => Ok(answered?),
        Err(_) => Err(Failure::nowhere(format!(
            "{} may still not do after {} s what its binding grants: {}",
            question.spec.user.unwrap_or_default(),
            KNOWN_WITHIN.as_secs(),
            serde_json::to_string(&question.spec.resource_attributes)?
        ))),
    }
}

fn review(user: &str, grant: &Grant, namespace: Option<&str>) -> SubjectAccessReview {
    let mut spec =
        SubjectAccessReviewSpec { user: Some(user.to_owned()), ..SubjectAccessReviewSpec::default() };
    let verb = Some(grant.verb.clone());
    if let Some(path) = &grant.path {
        spec.non_resource_attributes = Some(NonResourceAttributes { path: Some(path.clone()), verb });
    } else {
        let (resource, subresource) = grant.resource.split_once('/').unwrap_or((&grant.resource, ""));
        spec.resource_attributes = Some(ResourceAttributes {
            group: Some(grant.group.clone()),
            resource: Some(resource.to_owned()),
            subresource: Some(subresource.to_owned()).filter(|subresource| !subresource.is_empty()),
            name: grant.name.clone(),
            namespace: namespace.map(str::to_owned),
            verb,
            ..ResourceAttributes::default()
        });
    }
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn questions(rule: serde_json::Value, namespace: Option<&str>) -> Vec<serde_json::Value> {
        let rule: PolicyRule = serde_json::from_value(rule).unwrap();
        let review = |grant: &Grant| serde_json::to_value(review("operator", grant, namespace).spec).unwrap();
        grants_of(&rule).iter().map(review).collect()
    }

    #[test]
    fn each_right_is_asked_for_where_the_binding_grants_it() {
        let rule = json!({"apiGroups": ["fleet"], "resources": ["machines/status"], "verbs": ["update"]});
        let asked = json!({
            "group": "fleet", "resource": "machines", "subresource": "status", "namespace": "demo", "verb": "update",
        });
        assert_eq!(questions(rule, Some("demo")), [json!({"user": "operator", "resourceAttributes": asked})]);
    }

    #[test]
    fn a_path_that_is_no_resource_is_asked_for_as_such() {
        let rule = json!({"nonResourceURLs": ["/metrics"], "verbs": ["get"]});
        let asked = json!({"path": "/metrics", "verb": "get"});
        assert_eq!(questions(rule, None), [json!({"user": "operator", "nonResourceAttributes": asked})]);
    }
}
