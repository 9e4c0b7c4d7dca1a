//! Deployment: rolling update, progress deadline, and the immutable selector.

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::numbers::{amount, at_most_100_percent, int_or_percent, not_negative};
use crate::object::view::fields::{FieldAccess, copy, object_mut, same, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::workload::{
    at_most, counts, immutable_selector, name_and_template_warnings, selector, template_errors,
};

/// `deployments.apps`
#[derive(Debug)]
pub(crate) struct Deployment;

impl Strategy for Deployment {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        set_default(spec, "replicas", 1);
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "progressDeadlineSeconds", 600);
        let strategy = object_mut(spec, "strategy");
        set_default(strategy, "type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate" {
            let rolling = object_mut(strategy, "rollingUpdate");
            set_default(rolling, "maxUnavailable", "25%");
            set_default(rolling, "maxSurge", "25%");
        }
        set_pod_spec_defaults(object_mut(object_mut(spec, "template"), "spec"));
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        name_and_template_warnings(object, old)
    }
}

impl CreateStrategy for Deployment {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for Deployment {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate(&object["spec"]);
        errors.extend(immutable_selector(object, old));
        errors
    }

    /// Annotations are copied to `ReplicaSet`s, so a change of them bumps the generation.
    fn bumps_generation(&self, object: &Value, old: &Value) -> bool {
        !same(&object["metadata"], &old["metadata"], "annotations")
    }
}

impl StatusStrategy for Deployment {
    fn prepare_status_update(&self, object: &mut Value, old: &Value) {
        copy(&old["metadata"], object_mut(object, "metadata"), "labels");
    }

    fn validate_status_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let status = &object["status"];
        let mut errors = counts(
            status,
            &[
                "observedGeneration",
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
                "unavailableReplicas",
                "terminatingReplicas",
                "collisionCount",
            ],
        );
        for part in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
            errors.extend(at_most(status, part, "replicas", "status.replicas"));
        }
        errors.extend(at_most(status, "availableReplicas", "readyReplicas", "readyReplicas"));
        let collisions = |object: &Value| object["status"].number("collisionCount");
        if let Some(before) = collisions(old) {
            let now = collisions(object).unwrap_or_default();
            if collisions(object).is_none() || now < before {
                errors.push(FieldError::invalid(
                    "status.collisionCount",
                    now.into(),
                    "cannot be decremented",
                ));
            }
        }
        errors
    }
}

impl DeleteStrategy for Deployment {}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors: Vec<_> = not_negative(&path, spec, "replicas").into_iter().collect();
    errors.extend(selector(&path, spec, "deployment"));
    errors.extend(template_errors(&path, spec, "ReplicaSet"));
    errors.extend(strategy(&path.child("strategy"), &spec["strategy"]));
    for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        errors.extend(not_negative(&path, spec, key));
    }
    let ready = spec.number("minReadySeconds").unwrap_or_default();
    if let Some(deadline) = spec.number("progressDeadlineSeconds").filter(|deadline| *deadline <= ready) {
        let at = path.child("progressDeadlineSeconds");
        errors.push(FieldError::invalid(at, deadline.into(), "must be greater than minReadySeconds"));
    }
    errors
}

fn strategy(path: &Path, strategy: &Value) -> Vec<FieldError> {
    let at = path.child("rollingUpdate");
    match strategy.text("type") {
        "Recreate" if strategy.has("rollingUpdate") => {
            let why = "may not be specified when strategy `type` is 'Recreate'";
            vec![FieldError::forbidden(&at, why)]
        }
        "Recreate" => Vec::new(),
        "RollingUpdate" => rolling_update(&at, &strategy["rollingUpdate"]),
        _ => {
            let known = ["Recreate", "RollingUpdate"];
            vec![FieldError::not_supported(path, strategy.clone(), &known).shown_as(go_strategy(strategy))]
        }
    }
}

fn rolling_update(path: &Path, rolling: &Value) -> Vec<FieldError> {
    let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
    let at = path.child("maxUnavailable");
    let mut errors: Vec<_> = int_or_percent(&at, unavailable).into_iter().collect();
    errors.extend(int_or_percent(&path.child("maxSurge"), surge));
    if amount(unavailable) == 0 && amount(surge) == 0 {
        let why = "may not be 0 when `maxSurge` is 0";
        errors.push(FieldError::invalid(&at, unavailable.clone(), why));
    }
    errors.extend(at_most_100_percent(&at, unavailable));
    errors
}

/// The Go struct as error messages print it, in the order of its fields.
fn go_strategy(strategy: &Value) -> String {
    let rolling = &strategy["rollingUpdate"];
    let share = |key: &str| if rolling.has(key) { rolling[key].clone() } else { json!(0) };
    let rolling = if rolling.is_null() {
        "null".to_owned()
    } else {
        format!(r#"{{"MaxUnavailable":{},"MaxSurge":{}}}"#, share("maxUnavailable"), share("maxSurge"))
    };
    format!(r#"{{"Type":{},"RollingUpdate":{rolling}}}"#, strategy["type"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(extra: Value) -> Value {
        let mut spec = json!({
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
        });
        if let Value::Object(extra) = extra {
            spec.as_object_mut().expect("a spec has fields").extend(extra);
        }
        let mut object = json!({"metadata": {"name": "d"}, "spec": spec});
        Deployment.apply_defaults(&mut object);
        object
    }

    #[track_caller]
    fn check(extra: Value, expected: &[&str]) {
        let texts: Vec<_> =
            Deployment.validate_create(&with(extra)).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn absent_fields_get_defaults() {
        let spec = with(json!({}))["spec"].clone();
        assert_eq!(spec["replicas"], 1);
        assert_eq!(
            spec["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
        );
        assert_eq!(spec["template"]["spec"]["containers"][0]["imagePullPolicy"], "Always");
        assert_eq!(
            with(json!({"strategy": {"type": "Recreate"}}))["spec"]["strategy"],
            json!({"type": "Recreate"})
        );
    }

    #[test]
    fn selector_is_required_and_matches_the_template() {
        let label_mismatch = "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`";
        check(json!({}), &[]);
        check(json!({"selector": null}), &["spec.selector: Required value", label_mismatch]);
        check(
            json!({"selector": {}}),
            &["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        );
        check(json!({"selector": {"matchLabels": {"app": "y"}}}), &[label_mismatch]);
        check(
            json!({"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}),
            &[
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.selector: Invalid value: {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}: invalid label selector",
            ],
        );
    }

    #[test]
    fn template_errors_have_their_path() {
        check(
            json!({"template": {"metadata": {"labels": {"app": "x", "bad": "!"}},
                "spec": {"containers": [], "restartPolicy": "Never", "activeDeadlineSeconds": 5}}}),
            &[
                "spec.template.labels: Invalid value: \"!\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                "spec.template.spec.containers: Required value",
                "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
            ],
        );
    }

    #[test]
    fn rolling_update_and_progress_deadline_are_validated() {
        check(
            json!({"replicas": -1, "minReadySeconds": -1, "revisionHistoryLimit": -1, "progressDeadlineSeconds": -5,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}),
            &[
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
                "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
                "spec.progressDeadlineSeconds: Invalid value: -5: must be greater than or equal to 0",
                "spec.progressDeadlineSeconds: Invalid value: -5: must be greater than minReadySeconds",
            ],
        );
        check(
            json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "x", "maxUnavailable": "200%"}}}),
            &[
                "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"200%\": must not be greater than 100%",
            ],
        );
        check(
            json!({"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}),
            &[
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
            ],
        );
        check(
            json!({"strategy": {"type": "Foo", "rollingUpdate": {"maxSurge": 1}}}),
            &[
                "spec.strategy: Unsupported value: {\"Type\":\"Foo\",\"RollingUpdate\":{\"MaxUnavailable\":0,\"MaxSurge\":1}}: supported values: \"Recreate\", \"RollingUpdate\"",
            ],
        );
    }

    #[test]
    fn selector_is_immutable() {
        let labels = json!({"matchLabels": {"app": "z"}});
        let new = with(json!({"selector": labels, "template": {"metadata": {"labels": {"app": "z"}},
            "spec": {"containers": [{"name": "c", "image": "x"}]}}}));
        let texts: Vec<_> =
            Deployment.validate_update(&new, &with(json!({}))).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"z\"}}: field is immutable"]
        );
    }

    #[test]
    fn partial_replica_counts_are_at_most_the_total() {
        let object = json!({"status": {"replicas": 1, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 4,
            "observedGeneration": -1}});
        let texts: Vec<_> =
            Deployment.validate_status_update(&object, &json!({})).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
                "status.updatedReplicas: Invalid value: 3: cannot be greater than status.replicas",
                "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
                "status.availableReplicas: Invalid value: 4: cannot be greater than status.replicas",
                "status.availableReplicas: Invalid value: 4: cannot be greater than readyReplicas",
            ]
        );
    }
}
