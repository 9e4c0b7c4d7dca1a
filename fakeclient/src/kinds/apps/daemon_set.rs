//! `DaemonSet`: selector, update strategy, and the template generation in a deprecated annotation.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::check::template;
use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::labels;
use crate::kinds::rules::numbers::{amount, at_most_100_percent, int_or_percent, not_negative};
use crate::object::view::fields::{FieldAccess, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::workload::{
    immutable_selector, invalid_selector, label_mismatch, restart_policy_always, template_warnings,
};

/// The annotation with the template generation, which is a field in earlier versions.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// `daemonsets.apps`
#[derive(Debug)]
pub(crate) struct DaemonSet;

impl Strategy for DaemonSet {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    /// The template generation is zero before the object is prepared.
    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        if object["metadata"]["annotations"].has(TEMPLATE_GENERATION) {
            return Cow::Borrowed(object);
        }
        let mut counted = object.clone();
        set_template_generation(&mut counted, 0);
        Cow::Owned(counted)
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        let strategy = object_mut(spec, "updateStrategy");
        set_default(strategy, "type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate" {
            let rolling = object_mut(strategy, "rollingUpdate");
            set_default(rolling, "maxUnavailable", 1);
            set_default(rolling, "maxSurge", 0);
        }
        set_default(spec, "revisionHistoryLimit", 10);
        set_pod_spec_defaults(object_mut(object_mut(spec, "template"), "spec"));
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        template_warnings(object, old)
    }
}

impl CreateStrategy for DaemonSet {
    fn prepare_create(&self, object: &mut Value) {
        set_template_generation(object, 1);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for DaemonSet {
    fn prepare_update(&self, object: &mut Value, old: &Value) {
        let count = old["metadata"]["annotations"].text(TEMPLATE_GENERATION).parse().unwrap_or(0_i64);
        let mut new = object.clone();
        self.apply_defaults(&mut new);
        let changed = new["spec"]["template"] != old["spec"]["template"];
        set_template_generation(object, count + i64::from(changed));
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors: Vec<_> = immutable_selector(object, old).into_iter().collect();
        errors.extend(validate(&object["spec"]));
        errors
    }
}

impl StatusStrategy for DaemonSet {}
impl DeleteStrategy for DaemonSet {}

fn set_template_generation(object: &mut Value, count: i64) {
    let annotations = object_mut(object_mut(object, "metadata"), "annotations");
    set(annotations, TEMPLATE_GENERATION, count.to_string());
}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let selector = &spec["selector"];
    let at = path.child("selector");
    let mut errors = labels::selector(&at, selector);
    if errors.is_empty() {
        errors.extend(label_mismatch(&path, spec));
    }
    if spec.has("selector") && labels::is_empty(selector) {
        errors.push(invalid_selector(&at, selector, "empty selector is invalid for daemonset"));
    }
    errors.extend(template(&path.child("template"), &spec["template"]));
    errors.extend(restart_policy_always(&path, spec, "DaemonSet"));
    errors.extend(not_negative(&path, spec, "minReadySeconds"));
    errors.extend(strategy(&path.child("updateStrategy"), &spec["updateStrategy"]));
    errors.extend(not_negative(&path, spec, "revisionHistoryLimit"));
    errors
}

fn strategy(path: &Path, strategy: &Value) -> Vec<FieldError> {
    let rolling = &strategy["rollingUpdate"];
    match strategy.text("type") {
        "OnDelete" => Vec::new(),
        "RollingUpdate" => rolling_update(&path.child("rollingUpdate"), rolling),
        _ => {
            let share = |key: &str| if rolling.has(key) { rolling[key].clone() } else { json!(0) };
            let rolling = if rolling.is_null() {
                "null".to_owned()
            } else {
                format!(
                    r#"{{"MaxUnavailable":{},"MaxSurge":{}}}"#,
                    share("maxUnavailable"),
                    share("maxSurge")
                )
            };
            let shown = format!(r#"{{"Type":{},"RollingUpdate":{rolling}}}"#, strategy["type"]);
            let known = ["RollingUpdate", "OnDelete"];
            vec![FieldError::not_supported(path, strategy.clone(), &known).shown_as(shown)]
        }
    }
}

fn rolling_update(path: &Path, rolling: &Value) -> Vec<FieldError> {
    let both = ["maxUnavailable", "maxSurge"];
    let mut errors: Vec<_> =
        both.iter().filter_map(|key| int_or_percent(&path.child(key), &rolling[*key])).collect();
    errors.extend(both.iter().filter_map(|key| at_most_100_percent(&path.child(key), &rolling[*key])));
    match (amount(&rolling["maxUnavailable"]) != 0, amount(&rolling["maxSurge"]) != 0) {
        (true, true) => {
            let why = "may not be set when maxUnavailable is non-zero";
            errors.push(FieldError::invalid(path.child("maxSurge"), rolling["maxSurge"].clone(), why));
        }
        (false, false) => {
            let why = "cannot be 0 when maxSurge is 0";
            errors.push(FieldError::required(path.child("maxUnavailable"), why));
        }
        _ => {}
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(image: &str) -> Value {
        let mut object = json!({"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": image}]}}}});
        DaemonSet.prepare_create(&mut object);
        DaemonSet.apply_defaults(&mut object);
        object
    }

    #[test]
    fn template_change_bumps_the_template_generation() {
        let old = stored("a");
        let mut same = old.clone();
        DaemonSet.prepare_update(&mut same, &old);
        assert_eq!(same["metadata"]["annotations"][TEMPLATE_GENERATION], "1");
        let mut new = stored("b");
        DaemonSet.prepare_update(&mut new, &old);
        assert_eq!(new["metadata"]["annotations"][TEMPLATE_GENERATION], "2");
    }

    #[test]
    fn labels_must_match_and_max_surge_excludes_max_unavailable() {
        let mut object = stored("a");
        object["spec"]["updateStrategy"] = json!({"rollingUpdate": {"maxSurge": 1}});
        object["spec"]["selector"] = json!({"matchLabels": {"app": "y"}});
        DaemonSet.apply_defaults(&mut object);
        let texts: Vec<_> = DaemonSet.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
            ]
        );
    }
}
