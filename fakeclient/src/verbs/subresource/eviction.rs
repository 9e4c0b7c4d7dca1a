//! Eviction of a Pod (`pods/NAME/eviction`): a delete that a `PodDisruptionBudget` can reject.
//!
//! No disruption controller runs: a test sets the status of a budget itself.

use crate::object::system_fields;
use serde_json::{Value, json};

use super::binding::condition;
use crate::error::{ApiError, StatusCause};
use crate::object::apply::field_manager::Live;
use crate::object::apply::managed_fields::RequestManagedFields;
use crate::object::selector::label::LabelSelector;
use crate::object::view::fields::{FieldAccess, object_mut, set};
use crate::object::view::metadata;
use crate::store::{Change, CommitError, Content, Expect, Key, Write};
use crate::verbs::delete::delete;
use crate::verbs::field_managers::FieldManagers;
use crate::verbs::options::{DeleteOptions, WriteOptions};
use crate::verbs::scope::RequestScope;
use crate::verbs::update::{Part, Proposed, guaranteed_update};

/// Field manager of kube-apiserver's own writes.
const API_SERVER: &str = "kube-apiserver";
const BUDGETS: &str = "poddisruptionbudgets.policy";
const VIOLATED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

/// Maximum number of `disruptedPods` in the status of a budget.
const MAX_DISRUPTED: usize = 2000;

/// Evicts the Pod of the scope.
pub(crate) async fn evict(
    scope: &RequestScope,
    mut eviction: Value,
    options: &WriteOptions,
) -> Result<(), ApiError> {
    system_fields::set_namespace(&mut eviction, &scope.namespace)?;
    scope.check_namespace(&eviction)?;
    if metadata::name(&eviction) != scope.name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut deletion = DeleteOptions::from_object(&eviction["deleteOptions"])?;
    deletion.dry_run |= options.dry_run;
    let pod = scope.stored(&scope.state.store.snapshot())?;
    let pod = pod.value();
    if !ignores_budgets(pod) {
        let snapshot = scope.state.store.snapshot();
        let budgets: Vec<&Value> = snapshot
            .range(BUDGETS, Some(&scope.namespace), None)
            .map(|(_, budget)| budget.value())
            .filter(|budget| covers(budget, pod))
            .collect();
        match budgets.as_slice() {
            [] => {}
            [budget] if !is_ready(pod) && always_allows_unready(budget) => {}
            [budget] => decrement_allowed(scope, budget, deletion.dry_run)?,
            _ => return Err(too_many_budgets()),
        }
    }
    if !deletion.dry_run {
        set_disruption_target(scope).await?;
    }
    delete(scope, &deletion).await?;
    Ok(())
}

fn too_many_budgets() -> ApiError {
    let message =
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    ApiError::new(500, "", message)
}

/// True for Pods whose eviction no budget counts.
fn ignores_budgets(pod: &Value) -> bool {
    matches!(pod["status"].text("phase"), "Pending" | "Succeeded" | "Failed") || metadata::is_deleting(pod)
}

fn covers(budget: &Value, pod: &Value) -> bool {
    let selector = &budget["spec"]["selector"];
    // A missing selector matches nothing; an empty selector matches everything.
    selector.is_object()
        && LabelSelector::from_object(selector).is_ok_and(|s| s.matches(metadata::labels(pod)))
}

fn is_ready(pod: &Value) -> bool {
    pod["status"].list("conditions").iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// True if the budget always allows the eviction of Pods that are not ready.
fn always_allows_unready(budget: &Value) -> bool {
    let healthy = |key: &str| budget["status"].number(key).unwrap_or(0);
    budget["spec"].text("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        || (healthy("currentHealthy") >= healthy("desiredHealthy") && healthy("desiredHealthy") > 0)
}

fn with_cause(mut error: ApiError, why: String) -> ApiError {
    let cause = StatusCause { reason: "DisruptionBudget".into(), message: why, field: String::new() };
    error.details.get_or_insert_default().causes.push(cause);
    error
}

/// Decrements the allowed disruptions; 429 if there are none.
fn decrement_allowed(scope: &RequestScope, budget: &Value, dry_run: bool) -> Result<(), ApiError> {
    let key = Key::new(BUDGETS, &scope.namespace, metadata::name(budget));
    loop {
        let current = scope.state.store.snapshot().get(&key).cloned();
        let Some(current) = current else { return Ok(()) };
        let mut budget = current.value().clone();
        check_allowed(&budget)?;
        let status = object_mut(&mut budget, "status");
        let left = status.number("disruptionsAllowed").unwrap_or(0) - 1;
        set(status, "disruptionsAllowed", left);
        set(object_mut(status, "disruptedPods"), &scope.name, scope.state.clock.seconds());
        if left == 0 {
            set_insufficient_pods(&mut budget, &scope.state.clock.seconds());
        }
        if dry_run {
            return Ok(());
        }
        let live = Live { object: current.value(), managed_fields: current.managed_fields() };
        let resource = scope.state.registry().resource("policy", "v1", "poddisruptionbudgets");
        let resource = resource.expect("budgets are built in");
        let managers = FieldManagers { state: &scope.state, resource: &resource };
        let managed_fields =
            managers.updated(Part::Status, &live, &budget, RequestManagedFields::Nothing, API_SERVER);
        let content = Content { value: budget, managed_fields };
        let change = Change::Put(content);
        let write = Write { key: key.clone(), expect: Expect::At(current.revision()), change };
        match scope.state.commit(vec![write]) {
            Ok(_) => return Ok(()),
            Err(CommitError::Changed(_) | CommitError::Exists(_)) => {}
        }
    }
}

fn check_allowed(budget: &Value) -> Result<(), ApiError> {
    let (name, status) = (metadata::name(budget), &budget["status"]);
    let number = |key: &str| status.number(key).unwrap_or(0);
    if number("observedGeneration") < metadata::generation(budget) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(with_cause(ApiError::too_many_requests(VIOLATED, 10), why));
    }
    let stands = format!("The disruption budget {name} does not allow evicting pods currently");
    let forbidden = |why: &str| ApiError::forbidden("policy", "poddisruptionbudget", name, why);
    if number("disruptionsAllowed") < 0 {
        let why = "pdb disruptions allowed is negative";
        return Err(with_cause(forbidden(why), format!("{stands}: {why}")));
    }
    if status["disruptedPods"].as_object().is_some_and(|pods| pods.len() > MAX_DISRUPTED) {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        let cause = format!("{stands}: too many pending evictions not confirmed by PDB controller");
        return Err(with_cause(forbidden(why), cause));
    }
    if number("disruptionsAllowed") > 0 {
        return Ok(());
    }
    let refusing = status.list("conditions").iter().find(|c| c["type"] == "DisruptionAllowed");
    let refusing = refusing.filter(|c| c["status"] == "False" && !c.text("message").is_empty());
    let (desired, current) = (number("desiredHealthy"), number("currentHealthy"));
    let why = match refusing {
        Some(c) if c["reason"] == "SyncFailed" => {
            format!("{stands} because it failed sync: {}", c.text("message"))
        }
        _ if current <= desired => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently")
        }
        Some(c) => format!("{stands} ({}): {}", c.text("reason"), c.text("message")),
        None => stands,
    };
    Err(with_cause(ApiError::too_many_requests(VIOLATED, 0), why))
}

/// Sets the `DisruptionAllowed` condition of a budget without allowed disruptions.
fn set_insufficient_pods(budget: &mut Value, now: &str) {
    let generation = budget["status"].number("observedGeneration").unwrap_or(0);
    let status = object_mut(budget, "status");
    let mut all = status.list("conditions").to_vec();
    let at = all.iter().position(|other| other["type"] == "DisruptionAllowed");
    let kept = at.map(|at| &all[at]).filter(|old| old["status"] == "False");
    let time = kept.map_or_else(|| now.into(), |old| old["lastTransitionTime"].clone());
    let condition = json!({
        "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
        "observedGeneration": generation, "lastTransitionTime": time,
    });
    match at {
        Some(at) => all[at] = condition,
        None => all.push(condition),
    }
    set(status, "conditions", all);
}

/// Sets the `DisruptionTarget` condition of the Pod.
async fn set_disruption_target(scope: &RequestScope) -> Result<(), ApiError> {
    let options = WriteOptions::default();
    let now = scope.state.clock.seconds();
    guaranteed_update(scope, Part::Status, &options, |old| {
        let mut pod = old.object.clone();
        debug_assert!(metadata::get(&pod, "uid").is_some(), "what was stored has a uid");
        let target = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
        });
        condition(&mut pod, &target, &now);
        // kube-apiserver writes it without field management.
        Ok(Proposed::WithManagedFields(pod, old.managed_fields.clone()))
    })
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exhausted_budget_error_has_the_pod_counts() {
        let budget = json!({
            "metadata": {"name": "b", "generation": 1},
            "status": {"observedGeneration": 1, "disruptionsAllowed": 0, "desiredHealthy": 2, "currentHealthy": 2},
        });
        let status = check_allowed(&budget).expect_err("nothing is left").to_status();
        assert_eq!((&status["code"], &status["message"]), (&429.into(), &VIOLATED.into()));
        let cause = json!({
            "reason": "DisruptionBudget",
            "message": "The disruption budget b needs 2 healthy pods and has 2 currently",
        });
        assert_eq!(status["details"]["causes"], json!([cause]));
    }

    #[test]
    fn unobserved_budget_asks_for_a_retry() {
        let budget = json!({"metadata": {"name": "b", "generation": 1}});
        let status = check_allowed(&budget).expect_err("not counted").to_status();
        assert_eq!(status["details"]["retryAfterSeconds"], 10);
    }
}
