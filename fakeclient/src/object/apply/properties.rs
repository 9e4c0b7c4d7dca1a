//! Property tests of server-side apply for sequences of applies.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::field_manager::{Applied, ApplyError, FieldManager, Live};
use super::field_set::FieldSet;
use super::field_set_of::field_set_of;
use super::managed_fields::{ManagedFields, RequestManagedFields};
use super::path_element::PathElement;
use super::updater::Versions;
use super::validate::validate;
use super::value_type::ValueType;
use crate::object::schema::structural::Structural;

static SCHEMA: LazyLock<Structural> = LazyLock::new(|| {
    Structural::parse(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "a": {"type": "integer"},
        "s": {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}},
        "m": {"type": "object", "additionalProperties": {"type": "string"}},
        "l": {"type": "array", "items": {"type": "string"}},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "items": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "p"],
            "items": {"type": "object", "required": ["k"], "properties": {
                "k": {"type": "string"}, "p": {"type": "string", "default": "TCP"}, "v": {"type": "integer"}}}},
    }}}}))
});

static COMPONENTS: LazyLock<BTreeMap<String, Structural>> = LazyLock::new(|| {
    let metadata =
        json!({"type": "object", "properties": {"name": {"type": "string"}, "uid": {"type": "string"}}});
    BTreeMap::from([(
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".to_owned(),
        Structural::parse(&metadata),
    )])
});

struct OneVersion;

fn value_type() -> ValueType<'static> {
    ValueType::custom_resource(&*COMPONENTS, &SCHEMA)
}

impl Versions for OneVersion {
    fn type_of(&self, api_version: &str) -> Result<Option<ValueType<'_>>, String> {
        Ok((api_version == "t/v1").then(value_type))
    }

    fn convert(&self, _object: &Value, api_version: &str) -> Result<Value, String> {
        Err(format!("no version {api_version}"))
    }

    fn empty(&self, _api_version: &str) -> Value {
        json!({"apiVersion": "t/v1", "kind": "T"})
    }

    fn reset_fields(&self, _api_version: &str) -> Option<&FieldSet> {
        None
    }
}

/// An object, and the time of the next write.
struct AppliedObject {
    object: Value,
    managed_fields: ManagedFields,
    second: u32,
}

impl AppliedObject {
    fn new() -> Self {
        Self { object: OneVersion.empty(""), managed_fields: ManagedFields::default(), second: 0 }
    }

    fn apply(&mut self, manager: &str, spec: &Value, force: bool) -> Result<(), ApplyError> {
        self.second += 1;
        let now = format!("2026-01-01T00:{:02}:{:02}Z", self.second / 60, self.second % 60);
        let fields = FieldManager {
            versions: &OneVersion,
            api_version: "t/v1",
            kind: "T",
            subresource: "",
            now: &now,
        };
        let config = json!({"apiVersion": "t/v1", "kind": "T", "metadata": {"name": "a"}, "spec": spec});
        let live = Live { object: &self.object, managed_fields: &self.managed_fields };
        let Applied { mut object, managed_fields } = fields.apply(&live, &config, manager, force)?;
        object["metadata"]["uid"] = "u".into();
        // A null that a removal leaves is no value.
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.retain(|_, value| !value.is_null());
        }
        (self.object, self.managed_fields) = (object, managed_fields);
        Ok(())
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn optional(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    prop::option::of(value).boxed()
}

fn item() -> impl Strategy<Value = Value> {
    (word(), prop::option::of(prop::sample::select(vec!["TCP", "UDP"])), prop::option::of(0..3_i64)).prop_map(
        |(k, p, v)| {
            let mut item = json!({"k": k});
            if let Some(p) = p {
                item["p"] = p.into();
            }
            if let Some(v) = v {
                item["v"] = v.into();
            }
            item
        },
    )
}

/// A configuration's `spec`. Items of sets and list maps are unique. No value is empty, because a value that loses its
/// last field becomes null instead.
fn spec() -> impl Strategy<Value = Value> {
    let texts = || prop::collection::btree_set(word(), 1..3).prop_map(|words| json!(words));
    let fields = [
        ("a", optional((0..3).prop_map(Value::from))),
        (
            "s",
            optional((word().prop_map(Some), prop::option::of(word())).prop_map(|(x, y)| {
                let fields = [("x", x), ("y", y)];
                fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
                    .collect()
            })),
        ),
        ("m", optional(prop::collection::btree_map(word(), word(), 1..3).prop_map(|entries| json!(entries)))),
        ("l", optional(texts())),
        ("set", optional(texts())),
        (
            "items",
            optional(prop::collection::vec(item(), 1..3).prop_map(|items| {
                let mut seen = Vec::new();
                let key = |item: &Value| {
                    (item["k"].clone(), item.get("p").cloned().unwrap_or_else(|| json!("TCP")))
                };
                let fresh = items.into_iter().filter(|item| {
                    let new = !seen.contains(&key(item));
                    seen.push(key(item));
                    new
                });
                Value::Array(fresh.collect())
            })),
        ),
    ];
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values.prop_map(move |values| {
        let present = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        let mut spec = present.collect::<Map<_, _>>();
        if spec.is_empty() {
            spec.insert("a".to_owned(), 0.into());
        }
        Value::Object(spec)
    })
}

fn sequence() -> impl Strategy<Value = Vec<(&'static str, Value, bool)>> {
    prop::collection::vec((word(), spec(), any::<bool>()), 1..6)
}

/// The leaves of an object, each of which must have an owner.
fn leaves(object: &Value) -> Vec<Vec<PathElement>> {
    let all = field_set_of(object, value_type()).expect("the object has its type");
    let spec = PathElement::field("spec");
    all.paths().into_iter().filter(|path| path[0] == spec && path.len() > 1).collect()
}

proptest! {
    #[test]
    fn apply_is_idempotent(steps in sequence(), last in spec()) {
        let mut state = AppliedObject::new();
        for (manager, spec, force) in steps {
            let _ = state.apply(manager, &spec, force);
        }
        state.apply("a", &last, true).unwrap();
        let (object, managed_fields) = (state.object.clone(), state.managed_fields.clone());
        state.apply("a", &last, false).unwrap();
        prop_assert_eq!(state.object, object);
        prop_assert_eq!(state.managed_fields, managed_fields);
    }

    #[test]
    fn objects_keep_their_type(steps in sequence()) {
        let mut state = AppliedObject::new();
        for (manager, spec, force) in steps {
            let _ = state.apply(manager, &spec, force);
            prop_assert!(validate(&state.object, value_type(), false).is_ok(), "{}", state.object);
        }
    }

    #[test]
    fn managers_without_conflicts_commute(one in spec(), other in spec()) {
        let run = |order: [(&str, &Value); 2]| {
            let mut state = AppliedObject::new();
            order.iter().try_for_each(|(manager, spec)| state.apply(manager, spec, false)).ok()?;
            let owners: Vec<_> = state
                .managed_fields
                .entries()
                .iter()
                .map(|entry| (entry.manager.name.clone(), entry.fields.clone()))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect();
            let mut leaves: Vec<String> = leaves(&state.object).iter().map(|path| super::field_set::shown(path)).collect();
            leaves.sort();
            Some((owners, leaves))
        };
        let (first, second) = (run([("a", &one), ("b", &other)]), run([("b", &other), ("a", &one)]));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn fields_are_removed_with_their_last_owner(steps in sequence()) {
        let mut state = AppliedObject::new();
        for (manager, spec, force) in steps {
            let _ = state.apply(manager, &spec, force);
        }
        for manager in ["a", "b", "c"] {
            state.apply(manager, &json!({}), true).unwrap();
        }
        prop_assert!(leaves(&state.object).is_empty(), "{}", state.object);
    }

    #[test]
    fn every_field_has_an_owner(steps in sequence()) {
        let mut state = AppliedObject::new();
        for (manager, spec, force) in steps {
            let _ = state.apply(manager, &spec, force);
            let entries = state.managed_fields.entries();
            let owned = entries.iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields));
            for leaf in leaves(&state.object) {
                let container = matches!(leaf.last(), Some(PathElement::Field(name)) if ["s", "m"].contains(&name.as_str()));
                prop_assert!(container || owned.has(&leaf), "{} in {}", super::field_set::shown(&leaf), state.object);
            }
        }
    }

    #[test]
    fn field_sets_round_trip(spec in spec()) {
        let set = field_set_of(&json!({"spec": spec}), value_type()).unwrap();
        let text = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<FieldSet>(&text).unwrap(), set);
    }

    #[test]
    fn update_owns_changed_fields(before in spec(), after in spec()) {
        let mut state = AppliedObject::new();
        state.apply("a", &before, false).unwrap();
        let mut new = state.object.clone();
        new["spec"] = after;
        let fields = FieldManager {
            versions: &OneVersion, api_version: "t/v1", kind: "T", subresource: "", now: "2026-01-01T01:00:00Z",
        };
        let live = Live { object: &state.object, managed_fields: &state.managed_fields };
        let managed_fields = fields.update(&live, &new, RequestManagedFields::Nothing, "b");
        let owned = managed_fields.entries().iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields));
        for leaf in leaves(&new) {
            let container = matches!(leaf.last(), Some(PathElement::Field(name)) if ["s", "m"].contains(&name.as_str()));
            prop_assert!(container || owned.has(&leaf), "{} in {new}", super::field_set::shown(&leaf));
        }
    }
}
