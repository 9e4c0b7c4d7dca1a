//! Recorded defaults of built-in components, and their application to an object.
//!
//! `data/defaults.json` lists, for each component, the defaults of fields that are absent or null, and the fields whose
//! zero value counts as absent, because the server's Go type cannot distinguish them. Defaults that depend on other
//! fields are in the strategies. The fields to visit are computed once per component; a component without defaults
//! costs nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::schemas;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::schema::structural::{AdditionalProperties, Structural};
use crate::registry::resource::Resource;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RecordedDefaults {
    set: BTreeMap<String, Value>,
    #[serde(default)]
    over_zero: Vec<String>,
}

static RECORDED: LazyLock<BTreeMap<String, RecordedDefaults>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/defaults.json"))
        .expect("data/defaults.json is of this form")
});

/// The defaults of a component and of the components below it.
#[derive(Debug)]
struct Defaulter {
    /// Defaults of the component's fields.
    recorded: Option<&'static RecordedDefaults>,
    /// Fields below which there are further defaults.
    below: Vec<(String, FieldDefaulter)>,
}

/// The path from a field's value to components.
#[derive(Clone, Debug)]
enum FieldDefaulter {
    Into(Arc<Defaulter>),
    Items(Box<FieldDefaulter>),
    Values(Box<FieldDefaulter>),
}

/// Sets the defaults of a component on an object. Idempotent.
pub(crate) fn apply(component: &str, object: &mut Value) {
    if let Some(plan) = defaulter_of(component) {
        plan.apply(object);
    }
}

/// The defaulter of a component; `None` if it has no defaults, also below.
fn defaulter_of(component: &str) -> Option<Arc<Defaulter>> {
    static PLANS: Mutex<BTreeMap<String, Option<Arc<Defaulter>>>> = Mutex::new(BTreeMap::new());
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    build_defaulter(component, &mut plans)
}

/// A recursive component (schemas in a CRD) has no defaults in its recursion: it counts as empty while it is computed.
fn build_defaulter(
    component: &str,
    plans: &mut BTreeMap<String, Option<Arc<Defaulter>>>,
) -> Option<Arc<Defaulter>> {
    if let Some(known) = plans.get(component) {
        return known.clone();
    }
    plans.insert(component.to_owned(), None);
    let schema = schemas::component(component)?;
    let below: Vec<(String, FieldDefaulter)> = schema
        .properties
        .iter()
        .filter_map(|(field, schema)| Some((field.clone(), field_defaulter(schema, plans)?)))
        .collect();
    let recorded = RECORDED.get(component);
    if recorded.is_none() && below.is_empty() {
        return None;
    }
    let plan = Arc::new(Defaulter { recorded, below });
    plans.insert(component.to_owned(), Some(Arc::clone(&plan)));
    Some(plan)
}

fn field_defaulter(
    schema: &Structural,
    plans: &mut BTreeMap<String, Option<Arc<Defaulter>>>,
) -> Option<FieldDefaulter> {
    if let Some(reference) = &schema.reference {
        return build_defaulter(reference, plans).map(FieldDefaulter::Into);
    }
    if let Some(items) = &schema.items {
        return field_defaulter(items, plans).map(|step| FieldDefaulter::Items(Box::new(step)));
    }
    match &schema.additional {
        AdditionalProperties::Schema(values) => {
            field_defaulter(values, plans).map(|step| FieldDefaulter::Values(Box::new(step)))
        }
        _ => None,
    }
}

impl Defaulter {
    fn apply(&self, object: &mut Value) {
        let Some(object) = object.as_object_mut() else { return };
        if let Some(recorded) = self.recorded {
            recorded.fill(object);
        }
        for (field, step) in &self.below {
            if let Some(value) = object.get_mut(field) {
                step.apply(value);
            }
        }
    }
}

impl RecordedDefaults {
    fn fill(&self, object: &mut Map<String, Value>) {
        for (field, default) in &self.set {
            let absent = match object.get(field) {
                None | Some(Value::Null) => true,
                Some(value) => is_zero(value) && self.over_zero.contains(field),
            };
            if absent {
                object.insert(field.clone(), default.clone());
            }
        }
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(set) => !set,
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Object(_) => false,
    }
}

impl FieldDefaulter {
    fn apply(&self, value: &mut Value) {
        match (self, value) {
            (Self::Into(plan), value) => plan.apply(value),
            (Self::Items(step), Value::Array(items)) => items.iter_mut().for_each(|item| step.apply(item)),
            (Self::Values(step), Value::Object(map)) => map.values_mut().for_each(|value| step.apply(value)),
            _ => {}
        }
    }
}

/// Applies the defaults of a resource's schema, then those of its strategy.
pub(crate) fn of_resource(resource: &Resource, value: &mut Value) {
    match &resource.schema {
        ResourceSchema::Builtin { component } => apply(component, value),
        ResourceSchema::Custom { schema } => schema.apply_defaults(value),
    }
    resource.strategy.apply_defaults(value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const POD: &str = "io.k8s.api.core.v1.Pod";

    #[track_caller]
    fn check(component: &str, mut object: Value, pointer: &str, expected: &Value) {
        apply(component, &mut object);
        assert_eq!(object.pointer(pointer), Some(expected), "in {object}");
        let once = object.clone();
        apply(component, &mut object);
        assert_eq!(object, once, "twice is not once");
    }

    #[test]
    fn nested_absent_field_gets_its_default() {
        let pod =
            json!({"spec": {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"port": 80}}}]}});
        check(POD, pod.clone(), "/spec/restartPolicy", &json!("Always"));
        check(POD, pod.clone(), "/spec/containers/0/terminationMessagePath", &json!("/dev/termination-log"));
        check(POD, pod.clone(), "/spec/containers/0/livenessProbe/periodSeconds", &json!(10));
        check(POD, pod, "/spec/containers/0/livenessProbe/httpGet/scheme", &json!("HTTP"));
    }

    #[test]
    fn template_gets_pod_defaults() {
        let deployment = json!({"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}});
        let component = "io.k8s.api.apps.v1.Deployment";
        check(component, deployment.clone(), "/spec/replicas", &json!(1));
        check(component, deployment, "/spec/template/spec/dnsPolicy", &json!("ClusterFirst"));
    }

    #[test]
    fn zero_counts_as_absent_only_where_go_cannot_distinguish() {
        let probe = json!({"spec": {"containers": [{"livenessProbe": {"timeoutSeconds": 0}}]}});
        check(POD, probe, "/spec/containers/0/livenessProbe/timeoutSeconds", &json!(1));
        let deployment = json!({"spec": {"replicas": 0}});
        check("io.k8s.api.apps.v1.Deployment", deployment, "/spec/replicas", &json!(0));
    }

    #[test]
    fn null_counts_as_absent() {
        check("io.k8s.api.core.v1.Secret", json!({"type": null}), "/type", &json!("Opaque"));
    }

    #[test]
    fn component_without_defaults_has_no_defaulter() {
        assert!(defaulter_of("io.k8s.api.core.v1.ConfigMap").is_none());
        assert!(defaulter_of("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").is_none());
        assert!(defaulter_of("io.k8s.example.Nope").is_none());
    }

    #[test]
    fn every_recorded_default_has_a_field() {
        for (component, recorded) in RECORDED.iter() {
            let schema = schemas::component(component).expect("a recorded component is a component");
            for field in recorded.set.keys().chain(&recorded.over_zero) {
                assert!(schema.properties.contains_key(field), "{component}.{field}");
            }
        }
    }
}
