//! Strategic merge patch: a merge patch with a schema, by which lists merge by key or as sets, and with directives
//! (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…`).
//!
//! Rules and messages are those of apimachinery's `util/strategicpatch` (kube-apiserver 1.37). This module merges
//! objects, `strategic_list` merges lists.

use serde_json::{Map, Value};

use super::outcome::{FieldValidation, Patched, go_type, inapplicable};
use super::strategic_list;
use crate::error::ApiError;
use crate::object::decode::text::Parsed;
use crate::object::go_format::{printed_as_text, printed_map};
use crate::object::schema::components::{Components, resolve};
use crate::object::schema::structural::{AdditionalProperties, Structural};

pub(super) const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList";
const ORDER_PREFIX: &str = "$setElementOrder";

pub(super) type Fields = Map<String, Value>;

/// Applies the patch to `object`, whose schema is the named component.
pub(super) fn apply(
    parsed: &Parsed,
    object: &Value,
    component: &str,
    components: &dyn Components,
    validation: FieldValidation,
) -> Result<Patched, ApiError> {
    let patch = match parsed.value.clone() {
        Value::Object(patch) => patch,
        Value::Null => Map::new(),
        other => {
            let found = go_type(&other);
            return Err(ApiError::bad_request(format!(
                "json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    let remarks = match validation {
        FieldValidation::Ignore => Vec::new(),
        _ => parsed.duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect(),
    };
    let original = object.as_object().cloned().unwrap_or_default();
    let shown = printed_map(&without_new_nulls(&patch, &original));
    let named = Structural { reference: Some(component.to_owned()), ..Structural::default() };
    let merged = Merger { components }.maps(original, patch, &named)?;
    Ok(Patched { object: Value::Object(merged), remarks, patch_shown: Some(shown) })
}

/// The patch as error messages show it: the merge drops the nulls below fields that the original lacks.
fn without_new_nulls(patch: &Fields, original: &Fields) -> Fields {
    let shown = |key: &String, value: &Value| match (value, original.get(key)) {
        (Value::Object(value), Some(Value::Object(old))) => Value::Object(without_new_nulls(value, old)),
        (Value::Array(_), Some(Value::Array(_))) => value.clone(),
        _ => {
            let mut value = value.clone();
            drop_nulls(&mut value);
            value
        }
    };
    patch.iter().map(|(key, value)| (key.clone(), shown(key, value))).collect()
}

/// Patch metadata of a field.
pub(super) struct PatchMeta<'s> {
    /// Schema of the field's value.
    pub(super) schema: &'s Structural,
    /// `merge`, `replace` or empty.
    pub(super) strategy: String,
    /// Merge key of a list of objects, or empty.
    pub(super) merge_key: String,
}

/// Merges values by their schemas.
pub(super) struct Merger<'c> {
    /// The named schemas.
    pub(super) components: &'c dyn Components,
}

impl Merger<'_> {
    /// Merges `patch` into `original`, both with the schema `schema`.
    pub(super) fn maps(
        &self,
        mut original: Fields,
        mut patch: Fields,
        schema: &Structural,
    ) -> Result<Fields, ApiError> {
        if let Some(directive) = patch.get(PATCH) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(PATCH);
                    Ok(patch)
                }
                Some("delete") => Ok(Map::new()),
                _ => Err(unknown_directive(directive, &patch)),
            };
        }
        retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(&mut original, &mut patch, schema)?;
        for (key, value) in patch {
            self.field(&mut original, &key, value, schema)?;
        }
        Ok(original)
    }

    fn field(
        &self,
        original: &mut Fields,
        key: &str,
        mut value: Value,
        schema: &Structural,
    ) -> Result<(), ApiError> {
        let deleting = key.starts_with(DELETE_PREFIX);
        let key = if deleting { strip(key, DELETE_PREFIX)? } else { key };
        if value.is_null() {
            original.remove(key);
            return Ok(());
        }
        let both_fit = match original.get(key) {
            Some(Value::Object(_)) => value.is_object(),
            Some(Value::Array(_)) => value.is_array(),
            _ => false,
        };
        if !both_fit {
            if !deleting {
                // A scalar replaces the old one; a value that is new or of another type loses its nulls.
                drop_nulls(&mut value);
                match without_directives(value) {
                    Some(value) => original.insert(key.to_owned(), value),
                    None => original.remove(key),
                };
            }
            return Ok(());
        }
        let plan = self.plan(schema, key)?;
        match (original.remove(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let merged = if plan.strategy == "replace" { new } else { self.maps(old, new, plan.schema)? };
                original.insert(key.to_owned(), Value::Object(merged));
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let merged = if plan.strategy == "merge" || deleting {
                    strategic_list::merge(self, old, new, &plan, deleting)?
                } else {
                    new
                };
                original.insert(key.to_owned(), Value::Array(merged));
            }
            _ => unreachable!("both values were looked at above"),
        }
        Ok(())
    }

    /// Merges the lists whose order the patch specifies, and removes them from the patch.
    fn ordered_lists(
        &self,
        original: &mut Fields,
        patch: &mut Fields,
        schema: &Structural,
    ) -> Result<(), ApiError> {
        let directives: Vec<String> =
            patch.keys().filter(|key| key.starts_with(ORDER_PREFIX)).cloned().collect();
        for directive in directives {
            let order = match patch.remove(&directive) {
                Some(Value::Array(order)) => order,
                other => return Err(not_a_list(&other.unwrap_or_default())),
            };
            let key = strip(&directive, ORDER_PREFIX)?;
            for side in [original.get(key), patch.get(key)].into_iter().flatten() {
                if !side.is_array() {
                    return Err(not_a_list(side));
                }
            }
            let plan = self.plan(schema, key)?;
            let (old, new) = (original.get(key).and_then(Value::as_array), patch.get(key));
            let (old, new) = (old.cloned(), new.and_then(Value::as_array).cloned());
            patch.remove(key);
            if let Some(list) = strategic_list::merge_in_order(self, old, new, &order, &plan)? {
                original.insert(key.to_owned(), Value::Array(list));
            }
        }
        Ok(())
    }

    /// The patch metadata of the field `key`; for a list, with the schema of its items.
    fn plan<'s>(&'s self, schema: &'s Structural, key: &str) -> Result<PatchMeta<'s>, ApiError> {
        let object = resolve(self.components, schema);
        let (field, strategies) = match object.properties.get(key) {
            Some(field) => (field, field.patch_strategy.as_deref().unwrap_or_default()),
            None => match &object.additional {
                AdditionalProperties::Schema(values) => (values.as_ref(), ""),
                _ => return Err(unknown_field(schema, key)),
            },
        };
        let strategy = strategies.split(',').find(|s| *s != "retainKeys").unwrap_or_default().to_owned();
        let items = resolve(self.components, field).items.as_deref();
        Ok(PatchMeta {
            schema: items.unwrap_or(field),
            strategy,
            merge_key: field.patch_merge_key.clone().unwrap_or_default(),
        })
    }
}

/// Removes all fields but those in `$retainKeys`.
fn retain_keys(original: &mut Fields, patch: &mut Fields) -> Result<(), ApiError> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let wrong = || ApiError::bad_request("invalid patch format of retainKeys");
    let kept = kept.as_array().ok_or_else(wrong)?;
    let stays = |key: &String| kept.iter().any(|entry| entry.as_str() == Some(key));
    for (key, value) in &*patch {
        let directive = key.starts_with(DELETE_PREFIX) || key.starts_with(ORDER_PREFIX);
        if !(value.is_null() || directive || stays(key)) {
            return Err(wrong());
        }
    }
    original.retain(|key, _| stays(key));
    Ok(())
}

/// The field of a directive such as `$setElementOrder/containers`.
fn strip<'k>(key: &'k str, prefix: &str) -> Result<&'k str, ApiError> {
    let rest = key.split_once('/').filter(|(start, _)| *start == prefix).map(|(_, rest)| rest);
    rest.ok_or_else(|| {
        let what = if prefix == DELETE_PREFIX { "primitive list" } else { "setElementOrder list" };
        ApiError::bad_request(format!("invalid patch format of {what}"))
    })
}

/// Removes null fields of a new value; null items remain.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// A new value without objects that contain `$patch`; `None` if it contains `$patch` itself.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => {
            let kept = fields.into_iter().filter_map(|(key, v)| Some((key, without_directives(v)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// 500 with a message only: an error that the server's patch handler does not translate.
pub(super) fn untranslated(message: impl Into<String>) -> ApiError {
    ApiError::new(500, "", message)
}

pub(super) fn unknown_directive(directive: &Value, patch: &Fields) -> ApiError {
    untranslated(format!("unknown patch type: {} in map: {}", printed_as_text(directive), printed_map(patch)))
}

pub(super) fn no_merge_key(item: &Fields, key: &str) -> ApiError {
    untranslated(format!("map: {} does not contain declared merge key: {key}", printed_map(item)))
}

pub(super) fn lists_of_lists() -> ApiError {
    inapplicable()
}

fn not_a_list(found: &Value) -> ApiError {
    let found = match found {
        Value::Object(_) => "map[string]interface {}",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        other => go_type(other),
    };
    untranslated(format!("expected a []interface {{}}, but received a {found}"))
}

fn unknown_field(schema: &Structural, key: &str) -> ApiError {
    let name = schema.reference.as_deref().unwrap_or_default();
    let name = name.rsplit('.').next().unwrap_or_default();
    untranslated(format!("unable to find api field in struct {name} for the json field \"{key}\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::object::patch::document::text_patch;

    fn components() -> BTreeMap<String, Structural> {
        let refer =
            |name: &str| json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}], "default": {}});
        let merged = |item: Value, key: &str| {
            json!({"type": "array", "items": item, "x-kubernetes-patch-merge-key": key,
                "x-kubernetes-patch-strategy": "merge"})
        };
        let volumes = json!({"type": "array", "items": refer("Volume"),
            "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge,retainKeys"});
        let spec = json!({"type": "object", "properties": {
            "containers": merged(refer("Container"), "name"), "volumes": volumes,
            "tolerations": {"type": "array", "items": {"type": "object"}},
            "strategy": {"allOf": [{"$ref": "#/components/schemas/Strategy"}],
                "x-kubernetes-patch-strategy": "retainKeys"},
        }});
        let meta = json!({"type": "object", "properties": {
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "finalizers": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"},
        }});
        let container = json!({"type": "object", "properties": {
            "name": {"type": "string"}, "args": {"type": "array", "items": {"type": "string"}},
            "env": merged(refer("Env"), "name"),
        }});
        let named = json!({"type": "object", "properties": {"name": {"type": "string"}}});
        let root = json!({"properties": {"metadata": refer("Meta"), "spec": refer("a.v1.PodSpec")}});
        [
            ("Root", root),
            ("Meta", meta),
            ("a.v1.PodSpec", spec),
            ("Container", container),
            ("Volume", named.clone()),
            ("Env", named),
            ("Strategy", json!({"properties": {"type": {}, "rollingUpdate": {}}})),
        ]
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), Structural::parse(&schema)))
        .collect()
    }

    fn object() -> Value {
        json!({
            "metadata": {"labels": {"l": "1"}, "finalizers": ["a.b/c"]},
            "spec": {
                "containers": [
                    {"name": "c", "args": ["x", "y"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
                    {"name": "d"},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
                "tolerations": [{"key": "k"}],
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            },
        })
    }

    fn patched(patch: &Value) -> Result<Value, ApiError> {
        let body = patch.to_string();
        text_patch::strategic(body.as_bytes(), &object(), "Root", &components(), FieldValidation::Warn)
            .map(|p| p.object)
    }

    fn names(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
    }

    #[rstest]
    #[case(json!([{"name": "n"}]), &["n", "c", "d"])]
    #[case(json!([{"name": "c", "$patch": "delete"}]), &["d"])]
    #[case(json!([{"$patch": "replace"}, {"name": "q"}]), &["q"])]
    #[case(json!([{"name": "d"}, {"name": "c"}]), &["d", "c"])]
    fn containers_are_merged_by_name(#[case] containers: Value, #[case] expected: &[&str]) {
        let patched = patched(&json!({"spec": {"containers": containers}})).unwrap();
        assert_eq!(names(&patched["spec"]["containers"]), expected);
    }

    #[test]
    fn existing_item_keeps_unpatched_fields() {
        let patch = json!({"spec": {"containers": [
            {"name": "c", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}], "args": ["z"]},
        ]}});
        let patched = patched(&patch).unwrap();
        let container = &patched["spec"]["containers"][0];
        assert_eq!(container["args"], json!(["z"]), "a list without strategy is replaced");
        assert_eq!(
            container["env"],
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"}])
        );
    }

    #[test]
    fn order_directive_sorts_its_items() {
        let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "d"}, {"name": "c"}]}});
        assert_eq!(names(&patched(&patch).unwrap()["spec"]["containers"]), ["d", "c"]);
        let patch = json!({"metadata": {"$setElementOrder/finalizers": ["q", "a.b/c"], "finalizers": ["q"]}});
        assert_eq!(patched(&patch).unwrap()["metadata"]["finalizers"], json!(["q", "a.b/c"]));
    }

    #[rstest]
    #[case(json!({"finalizers": ["x.y/z"]}), json!(["x.y/z", "a.b/c"]))]
    #[case(json!({"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}), json!([]))]
    #[case(json!({"$deleteFromPrimitiveList/finalizers": ["a.b/c"], "finalizers": ["q"]}), json!(["q"]))]
    fn list_of_scalars_is_merged_as_a_set(#[case] metadata: Value, #[case] expected: Value) {
        assert_eq!(patched(&json!({"metadata": metadata})).unwrap()["metadata"]["finalizers"], expected);
    }

    #[rstest]
    #[case(json!({"$patch": "replace", "n": "2"}), json!({"n": "2"}))]
    #[case(json!({"$patch": "delete"}), json!({}))]
    #[case(json!({"l": null, "m": null, "k": "1"}), json!({"k": "1"}))]
    fn map_supports_directives_and_nulls(#[case] labels: Value, #[case] expected: Value) {
        assert_eq!(
            patched(&json!({"metadata": {"labels": labels}})).unwrap()["metadata"]["labels"],
            expected
        );
    }

    #[test]
    fn retain_keys_removes_other_fields() {
        let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        assert_eq!(patched(&patch).unwrap()["spec"]["strategy"], json!({"type": "Recreate"}));
        let patch = json!({"spec": {"volumes": [
            {"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "m"}},
        ]}});
        assert_eq!(
            patched(&patch).unwrap()["spec"]["volumes"],
            json!([{"name": "v", "configMap": {"name": "m"}}])
        );
    }

    #[rstest]
    #[case(json!({"spec": {"containers": [{"image": "z"}]}}), 500, "map: map[image:z] does not contain declared merge key: name")]
    #[case(json!({"spec": {"containers": [{"name": "c", "$patch": "merge"}]}}), 500, "merging lists cannot yet be specified in the patch")]
    #[case(json!({"spec": {"containers": [{"name": "c", "$patch": "bogus"}]}}), 500, "unknown patch type: bogus in map: map[$patch:bogus name:c]")]
    #[case(json!({"spec": {"$setElementOrder/containers": [{"name": "d"}], "containers": [{"name": "c"}]}}), 500, "The order in patch list:\n[map[name:c]]\n doesn't match $setElementOrder list:\n[map[name:d]]\n")]
    #[case(json!({"spec": {"$setElementOrder/containers": "x"}}), 500, "expected a []interface {}, but received a string")]
    #[case(json!({"spec": {"$setElementOrder/bogus": []}}), 500, "unable to find api field in struct PodSpec for the json field \"bogus\"")]
    #[case(json!({"spec": {"$setElementOrder": []}}), 400, "invalid patch format of setElementOrder list")]
    #[case(json!({"metadata": {"$deleteFromPrimitiveList": ["a"]}}), 400, "invalid patch format of primitive list")]
    #[case(json!({"metadata": {"labels": {"$patch": "bogus"}}}), 500, "unknown patch type: bogus in map: map[$patch:bogus]")]
    #[case(json!({"spec": {"strategy": {"$retainKeys": "x"}}}), 400, "invalid patch format of retainKeys")]
    #[case(json!({"spec": {"strategy": {"$retainKeys": ["rollingUpdate"], "type": "Recreate"}}}), 400, "invalid patch format of retainKeys")]
    #[case(json!({"metadata": {"finalizers": [3]}}), 500, "list element types are not identical: [[a.b/c] [3]]")]
    #[case(json!([]), 400, "json: cannot unmarshal array into Go value of type map[string]interface {}")]
    fn patch_that_cannot_be_applied_has_the_message_of_kube_apiserver(
        #[case] patch: Value,
        #[case] code: u16,
        #[case] message: &str,
    ) {
        let error = patched(&patch).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }

    #[test]
    fn new_item_is_appended_unchanged() {
        let patch = json!({"spec": {"containers": [{"name": "e", "env": [{"name": "A", "value": null}]}]}});
        assert_eq!(
            patched(&patch).unwrap()["spec"]["containers"][0],
            json!({"name": "e", "env": [{"name": "A", "value": null}]})
        );
    }
}
