//! The `scale` subresource: the replicas of an object as an `autoscaling/v1` Scale.

use crate::object::system_fields;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::apply::configuration::ApplyConfiguration;
use crate::object::apply::field_manager::{FieldManager, Live};
use crate::object::apply::field_set::FieldSet;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::apply::scale::{self, Replicas};
use crate::object::apply::updater::Versions;
use crate::object::apply::value_type::ValueType;
use crate::object::decode::body::{Decoded, Decoder, ObjectType};
use crate::object::go_format::shown_kind;
use crate::object::patch::document::{MergeSchema, Patch};
use crate::object::patch::outcome::FieldValidation;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::view::metadata;
use crate::registry::resource::ScalePaths;
use crate::verbs::apply::unconverted;
use crate::verbs::options::WriteOptions;
use crate::verbs::scope::RequestScope;
use crate::verbs::update::{Part, Proposed, guaranteed_update};

/// Name of the Scale's schema.
const COMPONENT: &str = "io.k8s.api.autoscaling.v1.Scale";

/// The Scale of the stored object.
pub(crate) async fn get(scope: &RequestScope) -> Result<Value, ApiError> {
    let paths = paths(scope)?;
    let object = scope.stored(&scope.state.store.snapshot())?;
    let served = scope.served(object).await?;
    check_replicas(scope, &paths, served.value())?;
    Ok(scale_of(scope, &paths, served.value()))
}

/// 500 for a custom resource without a number at its `specReplicasPath`.
fn check_replicas(scope: &RequestScope, paths: &ScalePaths, object: &Value) -> Result<(), ApiError> {
    if scope.resource.is_builtin() || at(object, &paths.spec_replicas).is_some() {
        return Ok(());
    }
    Err(ApiError::internal(&format!("the spec replicas field {:?} does not exist", paths.spec_replicas)))
}

/// Replaces the Scale of the stored object.
pub(crate) async fn update(
    scope: &RequestScope,
    scale: Value,
    options: &WriteOptions,
) -> Result<Value, ApiError> {
    system_fields::check_name(&scale, &scope.name)?;
    write(scope, options, |_, _| Ok(Proposed::Object(scale.clone()))).await
}

/// Patches the Scale of the stored object.
pub(crate) async fn patch(
    scope: &RequestScope,
    patch: &Patch,
    options: &WriteOptions,
) -> Result<Value, ApiError> {
    let validation = options.field_validation;
    let schema = MergeSchema { component: Some(COMPONENT), components: &BuiltinSchemas };
    let propose = |scale: &Value| {
        let patched = patch.apply(scale, schema, validation)?;
        let scale = decode(scope, validation, |decoder| decoder.patched(&patched))?;
        system_fields::check_name(&scale, &scope.name)?;
        Ok(Proposed::Object(scale))
    };
    write(scope, options, |_, live| {
        // Errors show the whole Scale.
        propose(live.object).or_else(|_| {
            let mut whole = live.object.clone();
            live.managed_fields.put(&mut whole);
            propose(&whole)
        })
    })
    .await
}

/// Applies a configuration to the Scale of the stored object.
pub(crate) async fn apply(
    scope: &RequestScope,
    config: &ApplyConfiguration,
    options: &WriteOptions,
) -> Result<Value, ApiError> {
    write(scope, options, |fields, live| {
        // The server looks up the Scale's version among those of the custom resource, and fails to convert it.
        let kind = shown_kind(scale::API_VERSION, "Scale");
        let of_no_version = |what: &str, place: &str| {
            let why = format!("request to convert CR to an invalid group/version: {}", scale::API_VERSION);
            unconverted(what, place, &kind, &why)
        };
        fields.check_kind(&config.value)?;
        let is_custom = !scope.resource.is_builtin();
        if is_custom && live.managed_fields.is_empty() {
            let what = "failed to create manager for existing fields: failed to convert live object";
            return Err(of_no_version(what, "/"));
        }
        let applied = fields.apply(live, &config.value, &options.field_manager, options.force)?;
        if is_custom && applied.object != *live.object {
            return Err(of_no_version("failed to convert new object", &metadata::place(&config.value)));
        }
        let scale = decode(scope, FieldValidation::Ignore, |decoder| {
            let object = decoder.applied(&applied.object).map_err(|why| {
                let place = metadata::place(&config.value);
                unconverted("failed to convert new object", &place, &kind, &why)
            })?;
            Ok(Decoded { object, warnings: Vec::new() })
        })?;
        scope.warnings.extend(config.check_duplicates(options.field_validation)?.iter().cloned());
        system_fields::check_name(&scale, &scope.name)?;
        Ok(Proposed::WithManagedFields(scale, applied.managed_fields))
    })
    .await
}

/// Decodes a Scale as its Go type.
pub(crate) fn decode(
    scope: &RequestScope,
    validation: FieldValidation,
    read: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
) -> Result<Value, ApiError> {
    let schema = ResourceSchema::Builtin { component: COMPONENT.to_owned() };
    let object_type = ObjectType { group: "autoscaling", version: "v1", kind: "Scale", schema: &schema };
    scope.decode_type(object_type, validation, read).map_err(|error| {
        // The codec of a custom resource's Scale supports no other kind.
        if scope.resource.is_builtin() || !error.message.contains("cannot be handled as a Scale") {
            return error;
        }
        let why = "no kind is registered for the type v1.Scale in scheme \"pkg/runtime/scheme.go:111\"";
        ApiError::bad_request(why)
    })
}

async fn write(
    scope: &RequestScope,
    options: &WriteOptions,
    propose: impl Fn(&FieldManager<'_>, &Live<'_>) -> Result<Proposed, ApiError> + Sync,
) -> Result<Value, ApiError> {
    let paths = paths(scope)?;
    let now = scope.state.clock.seconds();
    let replicas_of = |api_version: &str| replicas_of(scope, &paths, api_version);
    let written = guaranteed_update(scope, Part::Main, options, |old| {
        let fields = FieldManager {
            versions: &ScaleVersions,
            api_version: scale::API_VERSION,
            kind: "Scale",
            subresource: "scale",
            now: &now,
        };
        let mut before = scale_of(scope, &paths, old.object);
        if !scope.resource.is_builtin() && at(old.object, &paths.spec_replicas).is_none() {
            before["spec"]["replicas"] = NO_REPLICAS.into();
        }
        let own = scale::to_scale(old.managed_fields, replicas_of);
        let live = Live { object: &before, managed_fields: &own };
        let (scale, managed_fields) = match propose(&fields, &live)? {
            Proposed::WithManagedFields(scale, managed_fields) => (scale, managed_fields),
            Proposed::Object(mut scale) => {
                let sent = ManagedFields::take(&mut scale, live.managed_fields);
                let managed_fields = fields.update(&live, &scale, sent, &options.field_manager);
                (scale, managed_fields)
            }
        };
        let managed_fields = scale::from_scale(
            old.managed_fields,
            &managed_fields,
            &scope.resource.api_version(),
            replicas_of,
        );
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        if replicas < 0 && scope.resource.is_builtin() {
            let why = "must be greater than or equal to 0";
            let error = FieldError::invalid("spec.replicas", replicas.into(), why);
            let name = scope.name.as_str();
            return Err(ApiError::invalid("autoscaling", "Scale", name, &[error]));
        }
        if replicas == NO_REPLICAS {
            let path = &paths.spec_replicas;
            return Err(ApiError::bad_request(format!("the spec replicas field {path:?} cannot be empty")));
        }
        let mut new = old.object.clone();
        set(&mut new, &paths.spec_replicas, replicas.into());
        let revision = metadata::text(&scale, "resourceVersion");
        if !revision.is_empty() {
            metadata::set(&mut new, "resourceVersion", revision.into());
        }
        Ok(Proposed::WithManagedFields(new, managed_fields))
    })
    .await?;
    Ok(scale_of(scope, &paths, written.value()))
}

/// The replicas in a custom resource's Scale while they are unset.
const NO_REPLICAS: i64 = i32::MIN as i64;

/// The paths of the replicas in another version of the object.
fn replicas_of(scope: &RequestScope, paths: &ScalePaths, api_version: &str) -> Replicas {
    if scope.resource.is_builtin() || api_version == scope.resource.api_version() {
        return Replicas::at(&paths.spec_replicas);
    }
    let versions = scope.state.registry().stored_as(&scope.resource.storage.key);
    match versions.iter().find(|version| version.api_version() == api_version) {
        None => Replicas::Unknown,
        Some(version) => {
            version.scale.as_ref().map_or(Replicas::None, |paths| Replicas::at(&paths.spec_replicas))
        }
    }
}

/// The single version of a Scale.
struct ScaleVersions;

impl Versions for ScaleVersions {
    fn type_of(&self, api_version: &str) -> Result<Option<ValueType<'_>>, String> {
        let known = api_version == scale::API_VERSION;
        Ok(known.then(|| ValueType::component(&BuiltinSchemas, COMPONENT)).flatten())
    }

    fn have_go_types(&self) -> bool {
        true
    }

    fn convert(&self, _object: &Value, api_version: &str) -> Result<Value, String> {
        Err(format!("no corresponding type for {api_version}"))
    }

    fn empty(&self, _api_version: &str) -> Value {
        json!({"kind": "Scale", "apiVersion": scale::API_VERSION, "metadata": {}, "spec": {}, "status": {"replicas": 0}})
    }

    fn reset_fields(&self, _api_version: &str) -> Option<&FieldSet> {
        None
    }
}

fn paths(scope: &RequestScope) -> Result<ScalePaths, ApiError> {
    scope.resource.scale.clone().ok_or_else(|| ApiError::not_modelled("this kind's scale subresource"))
}

/// `autoscaling/v1` Scale of an object.
fn scale_of(scope: &RequestScope, paths: &ScalePaths, object: &Value) -> Value {
    let number = |path: &str| at(object, path).and_then(Value::as_i64).unwrap_or(0);
    let mut meta = json!({
        "name": scope.name, "uid": metadata::text(object, "uid"),
        "resourceVersion": metadata::text(object, "resourceVersion"),
        "creationTimestamp": metadata::text(object, "creationTimestamp"),
    });
    if !scope.namespace.is_empty() {
        meta["namespace"] = scope.namespace.as_str().into();
    }
    let mut spec = json!({});
    let wanted = number(&paths.spec_replicas);
    if wanted != 0 {
        spec["replicas"] = wanted.into();
    }
    let mut status = json!({"replicas": number(&paths.status_replicas)});
    if let Some(selector) = paths.label_selector.as_deref().and_then(|path| at(object, path)) {
        let text = match selector {
            Value::String(text) => text.clone(),
            other => label_selector_text(other),
        };
        if !text.is_empty() {
            status["selector"] = text.into();
        }
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status})
}

/// The value at a path such as `.spec.replicas`. A scale path contains field names only.
fn at<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

/// Sets the value at such a path, and creates missing parents.
fn set(object: &mut Value, path: &str, value: Value) {
    let mut place = object;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[part];
    }
    *place = value;
}

/// A `metav1.LabelSelector` or a plain map, in the syntax of the `labelSelector` parameter.
fn label_selector_text(selector: &Value) -> String {
    let plain = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let labels = if plain { selector.as_object() } else { selector["matchLabels"].as_object() };
    let mut terms: Vec<(String, String)> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let mut values: Vec<_> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let term = match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        terms.push((key.to_owned(), term));
    }
    terms.sort();
    terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>().join(",")
}
