//! `StatefulSet`: policies, governing Service, and the fields that may change.
//!
//! Volume claim templates are validated by schema only; a volume mount may name one.

use serde_json::{Value, json};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::pod_spec::check::template;
use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::labels;
use crate::kinds::rules::names::dns_label;
use crate::kinds::rules::numbers::not_negative;
use crate::object::names::NameRule;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, remove, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::workload::{invalid_selector, label_mismatch, restart_policy_always, selector, template_warnings};

/// `statefulsets.apps`
#[derive(Debug)]
pub(crate) struct StatefulSet;

impl Strategy for StatefulSet {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    fn name_rule(&self) -> NameRule {
        NameRule::DnsLabel
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        set_default(spec, "podManagementPolicy", "OrderedReady");
        let strategy = object_mut(spec, "updateStrategy");
        if strategy.text("type").is_empty() {
            set(strategy, "type", "RollingUpdate");
            object_mut(strategy, "rollingUpdate");
        }
        if strategy.text("type") == "RollingUpdate" && strategy.has("rollingUpdate") {
            let rolling = object_mut(strategy, "rollingUpdate");
            set_default(rolling, "partition", 0);
            set_default(rolling, "maxUnavailable", 1);
        }
        let retention = object_mut(spec, "persistentVolumeClaimRetentionPolicy");
        set_default(retention, "whenDeleted", "Retain");
        set_default(retention, "whenScaled", "Retain");
        set_default(spec, "replicas", 1);
        set_default(spec, "revisionHistoryLimit", 10);
        set_pod_spec_defaults(object_mut(object_mut(spec, "template"), "spec"));
        for claim in items_mut(spec, "volumeClaimTemplates") {
            set(claim, "apiVersion", "v1");
            set(claim, "kind", "PersistentVolumeClaim");
            set_default(object_mut(claim, "status"), "phase", "Pending");
        }
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let mut said = template_warnings(object, old);
        if object["spec"].number("revisionHistoryLimit").is_some_and(|limit| limit < 0) {
            let text = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is \
                        recommended";
            said.push(text.to_owned());
        }
        said
    }
}

impl CreateStrategy for StatefulSet {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for StatefulSet {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let (spec, old) = (&object["spec"], &old["spec"]);
        let mut errors = validate(spec);
        for key in ["selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy"] {
            let (new, was) = (&spec[key], &old[key]);
            if new != was {
                let at = Path::new("spec").child(key);
                errors.push(match key {
                    "selector" => invalid_selector(&at, new, "field is immutable"),
                    _ => FieldError::invalid(at, new.clone(), "field is immutable"),
                });
            }
        }
        errors
    }
}

impl StatusStrategy for StatefulSet {}
impl DeleteStrategy for StatefulSet {}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = policies(&path, spec);
    errors.extend(not_negative(&path, spec, "replicas"));
    errors.extend(not_negative(&path, spec, "minReadySeconds"));
    errors.extend(not_negative(&path.child("ordinals"), &spec["ordinals"], "start"));
    let service = spec.text("serviceName");
    if !service.is_empty() {
        errors.extend(invalid_each(&path.child("serviceName"), service, dns_label(service)));
    }
    errors.extend(selector(&path, spec, "statefulset"));
    if labels::selector(&path.child("selector"), &spec["selector"]).is_empty() {
        errors.extend(label_mismatch(&path, spec));
        errors.extend(template(&path.child("template"), &with_claim_volumes(spec)));
    } else {
        errors.push(invalid_selector(&path.child("selector"), &spec["selector"], ""));
    }
    errors.extend(restart_policy_always(&path, spec, "StatefulSet"));
    errors
}

fn policies(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let management = spec.text("podManagementPolicy");
    if !["OrderedReady", "Parallel"].contains(&management) {
        let why = "must be 'OrderedReady' or 'Parallel'";
        errors.push(FieldError::invalid(path.child("podManagementPolicy"), management.into(), why));
    }
    let (strategy, at) = (&spec["updateStrategy"], path.child("updateStrategy"));
    let rolling = &strategy["rollingUpdate"];
    let go_rolling = if rolling.is_null() {
        "null".to_owned()
    } else {
        format!(r#"{{"Partition":{},"MaxUnavailable":{}}}"#, rolling["partition"], rolling["maxUnavailable"])
    };
    match strategy.text("type") {
        "RollingUpdate" => errors.extend(not_negative(&at.child("rollingUpdate"), rolling, "partition")),
        "OnDelete" if !rolling.is_null() => {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            let error = FieldError::invalid(at.child("rollingUpdate"), rolling.clone(), why);
            errors.push(error.shown_as(go_rolling));
        }
        "OnDelete" => {}
        _ => {
            let shown = format!(r#"{{"Type":{},"RollingUpdate":{go_rolling}}}"#, strategy["type"]);
            let why = "must be 'RollingUpdate' or 'OnDelete'";
            errors.push(FieldError::invalid(&at, strategy.clone(), why).shown_as(shown));
        }
    }
    let retention = &spec["persistentVolumeClaimRetentionPolicy"];
    for key in ["whenDeleted", "whenScaled"] {
        let (value, known) = (retention.text(key), ["Retain", "Delete"]);
        if !known.contains(&value) {
            let at = path.child("persistentVolumeClaimRetentionPolicy").child(key);
            errors.push(FieldError::not_supported(at, value.into(), &known));
        }
    }
    errors
}

/// The Pod template as the controller completes it: each claim template is a volume, host name and subdomain are set.
fn with_claim_volumes(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let pod = object_mut(&mut template, "spec");
    remove(pod, "hostname");
    remove(pod, "subdomain");
    let claims = spec.list("volumeClaimTemplates");
    if !claims.is_empty() {
        let names: Vec<&str> = claims.iter().map(|claim| claim["metadata"].text("name")).collect();
        let mut volumes: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
            .collect();
        volumes.extend(pod.list("volumes").iter().filter(|v| !names.contains(&v.text("name"))).cloned());
        set(pod, "volumes", volumes);
    }
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: Value, expected: &[&str]) {
        let mut object = json!({"metadata": {"name": "s"}});
        object["spec"] = spec;
        StatefulSet.apply_defaults(&mut object);
        let texts: Vec<_> = StatefulSet.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn unknown_policies_are_rejected() {
        let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "x",
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}});
        check(
            json!({"template": template, "podManagementPolicy": "x", "updateStrategy": {"type": "y"},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}),
            &[
                "spec.podManagementPolicy: Invalid value: \"x\": must be 'OrderedReady' or 'Parallel'",
                "spec.updateStrategy: Invalid value: {\"Type\":\"y\",\"RollingUpdate\":null}: must be 'RollingUpdate' or 'OnDelete'",
                "spec.selector: Required value",
                "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
            ],
        );
        check(
            json!({"template": template, "selector": {}, "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
                "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "x"}}),
            &[
                "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: \"x\": supported values: \"Retain\", \"Delete\"",
                "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
            ],
        );
    }
}
