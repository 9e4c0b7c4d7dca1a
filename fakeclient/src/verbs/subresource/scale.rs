//! `scale`: a few numbers of an object, in a form that is the same for every kind.

use serde_json::{Value, json};

use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::kinds::schemas::Builtin;
use crate::object::apply::field_manager::{FieldManager, Live, group_version_kind};
use crate::object::apply::field_set::FieldSet;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::apply::scale::{self, Replicas};
use crate::object::apply::updater::Versions;
use crate::object::apply::value_type::ValueType;
use crate::object::decode::body::{Decoded, Decoder, media};
use crate::object::meta;
use crate::object::patch::outcome::{self, FieldValidation};
use crate::object::patch::{json as patch_json, merge, strategic};
use crate::registry::resource::{Resource, ScalePaths, Shape};
use crate::verbs::apply::{ApplyConfiguration, unconverted};
use crate::verbs::metadata;
use crate::verbs::patch::is_apply;
use crate::verbs::scope::Scope;
use crate::verbs::update::{Made, Part, change};

/// Name of a Scale's schema.
const COMPONENT: &str = "io.k8s.api.autoscaling.v1.Scale";

pub(crate) fn get(scope: &Scope<'_>) -> Result<Reply, ApiError> {
    let paths = paths(scope)?;
    let snapshot = scope.core.store.snapshot();
    let object = scope.stored(&snapshot)?;
    let served = scope.core.served(&scope.resource, object.value())?;
    exists(scope, &paths, &served)?;
    Ok(Reply::value(200, &read(scope, &paths, &served)))
}

/// 500 for a custom resource that has no number where its definition says that it is.
fn exists(scope: &Scope<'_>, paths: &ScalePaths, object: &Value) -> Result<(), ApiError> {
    if scope.resource.is_builtin() || at(object, &paths.spec_replicas).is_some() {
        return Ok(());
    }
    Err(ApiError::internal(&format!("the spec replicas field {:?} does not exist", paths.spec_replicas)))
}

pub(crate) fn update(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "UpdateOptions")?;
    let media = media(Some(&scope.content_type))?;
    let scale = decoded(scope, options.field_validation, |decoder| decoder.body(&scope.body, media))?;
    meta::check_name(&scale, &scope.name)?;
    write(scope, &options, move |_, _| Ok(Made::Updated(scale.clone())))
}

pub(crate) fn patch(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    if is_apply(scope) {
        return apply(scope);
    }
    let options = WriteOptions::parse(&scope.query, "PatchOptions")?;
    let body = scope.body.clone();
    let kind = scope.content_type.split(';').next().unwrap_or_default().to_owned();
    let validation = options.field_validation;
    let scope = &*scope;
    let make = |scale: &Value| {
        let patched = match kind.as_str() {
            "application/merge-patch+json" => merge::apply(&body, scale, validation)?,
            "application/json-patch+json" => patch_json::apply(&body, scale, validation)?,
            "application/strategic-merge-patch+json" if scope.resource.is_builtin() => {
                strategic::apply(&body, scale, COMPONENT, &Builtin, validation)?
            }
            _ => return Err(outcome::unsupported_type(!scope.resource.is_builtin())),
        };
        decoded(scope, validation, |decoder| decoder.patched(&patched)).map(Made::Updated)
    };
    write(scope, &options, |_, live| {
        // An error shows the whole Scale.
        make(live.object).or_else(|_| {
            let mut whole = live.object.clone();
            live.managed_fields.put(&mut whole);
            make(&whole)
        })
    })
}

fn apply(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse_apply(&scope.query)?;
    let config = ApplyConfiguration::read(&scope.body)?;
    let scope = &*scope;
    write(scope, &options, |fields, live| {
        // The server looks for the Scale among the versions of the custom resource, and so has none to convert.
        let unconverted = |what: &str, place: &str| {
            let kind = group_version_kind(scale::API_VERSION, "Scale");
            let why = format!("request to convert CR to an invalid group/version: {}", scale::API_VERSION);
            unconverted(what, place, &kind, &why)
        };
        let is_custom = !scope.resource.is_builtin();
        if is_custom && live.managed_fields.is_empty() {
            let what = "failed to create manager for existing fields: failed to convert live object";
            return Err(unconverted(what, "/"));
        }
        let applied = fields.apply(live, &config.value, &options.field_manager, options.force)?;
        if is_custom && applied.object != *live.object {
            return Err(unconverted("failed to convert new object", &meta::place(&config.value)));
        }
        let scale = decoded(scope, FieldValidation::Ignore, |decoder| {
            let object = decoder.applied(&applied.object).map_err(|why| ApiError::new(500, "", why))?;
            Ok(Decoded { object, warnings: Vec::new() })
        })?;
        config.check_duplicates(scope, options.field_validation)?;
        meta::check_name(&scale, &scope.name)?;
        Ok(Made::Managed(scale, applied.managed_fields))
    })
}

/// A Scale read as its Go type.
fn decoded(
    scope: &Scope<'_>,
    validation: FieldValidation,
    read: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
) -> Result<Value, ApiError> {
    let mut resource = Resource::clone(&scope.resource);
    "autoscaling".clone_into(&mut resource.group);
    "v1".clone_into(&mut resource.version);
    "Scale".clone_into(&mut resource.kind);
    resource.shape = Shape::Builtin { component: COMPONENT.to_owned() };
    let registry = scope.core.registry();
    let is_builtin = |api_version: &str, kind: &str| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        registry.kind(group, version, kind).is_some_and(|resource| resource.is_builtin())
    };
    let decoder = Decoder {
        resource: &resource,
        body_kind: None,
        components: &Builtin,
        is_builtin: &is_builtin,
        validation,
    };
    let Decoded { object, warnings } = read(&decoder)?;
    scope.warnings.borrow_mut().extend(warnings);
    Ok(object)
}

fn write(
    scope: &Scope<'_>,
    options: &WriteOptions,
    make: impl Fn(&FieldManager<'_>, &Live<'_>) -> Result<Made, ApiError>,
) -> Result<Reply, ApiError> {
    let paths = paths(scope)?;
    let now = scope.core.clock.seconds();
    let fields = FieldManager {
        versions: &ScaleVersions,
        api_version: scale::API_VERSION,
        kind: "Scale",
        subresource: "scale",
        now: &now,
    };
    let replicas_of = |api_version: &str| replicas_of(scope, &paths, api_version);
    let written = change(scope, Part::Main, options, |scope, old| {
        let mut before = read(scope, &paths, old.object);
        if !scope.resource.is_builtin() && at(old.object, &paths.spec_replicas).is_none() {
            before["spec"]["replicas"] = NO_REPLICAS.into();
        }
        let own = scale::to_scale(old.managed_fields, replicas_of);
        let live = Live { object: &before, managed_fields: &own };
        let (scale, managed_fields) = match make(&fields, &live)? {
            Made::Managed(scale, managed_fields) => (scale, managed_fields),
            Made::Updated(mut scale) => {
                let sent = ManagedFields::take(&mut scale);
                let managed_fields = fields.update(&live, &scale, sent, &scope.manager(options));
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
        let revision = meta::text(&scale, "resourceVersion");
        if !revision.is_empty() {
            metadata::set(&mut new, "resourceVersion", revision.into());
        }
        Ok(Made::Managed(new, managed_fields))
    })?;
    let served = scope.core.served(&scope.resource, written.value())?;
    Ok(Reply::value(200, &read(scope, &paths, &served)))
}

/// What a custom resource's Scale says of replicas that the object does not name, until somebody sets them.
const NO_REPLICAS: i64 = i32::MIN as i64;

/// Where another version of the object keeps its replicas.
fn replicas_of(scope: &Scope<'_>, paths: &ScalePaths, api_version: &str) -> Replicas {
    if scope.resource.is_builtin() || api_version == scope.resource.api_version() {
        return Replicas::at(&paths.spec_replicas);
    }
    let versions = scope.core.registry().stored_as(&scope.resource.storage.key);
    match versions.iter().find(|version| version.api_version() == api_version) {
        None => Replicas::Unknown,
        Some(version) => {
            version.scale.as_ref().map_or(Replicas::None, |paths| Replicas::at(&paths.spec_replicas))
        }
    }
}

/// A Scale has one version.
struct ScaleVersions;

impl Versions for ScaleVersions {
    fn type_of(&self, api_version: &str) -> Result<Option<ValueType<'_>>, String> {
        let known = api_version == scale::API_VERSION;
        Ok(known.then(|| ValueType::component(&Builtin, COMPONENT)).flatten())
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

fn paths(scope: &Scope<'_>) -> Result<ScalePaths, ApiError> {
    scope.resource.scale.clone().ok_or_else(|| ApiError::not_modelled("this kind's scale subresource"))
}

/// `autoscaling/v1` Scale of an object.
fn read(scope: &Scope<'_>, paths: &ScalePaths, object: &Value) -> Value {
    let number = |path: &str| at(object, path).and_then(Value::as_i64).unwrap_or(0);
    let mut meta = json!({
        "name": scope.name, "uid": meta::text(object, "uid"),
        "resourceVersion": meta::text(object, "resourceVersion"),
        "creationTimestamp": meta::text(object, "creationTimestamp"),
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

/// The value at a path such as `.spec.replicas`: a scale path may hold nothing but field names.
fn at<'v>(object: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

/// Sets the value at such a path, making what is missing on the way.
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

/// A `metav1.LabelSelector` (or a plain map) in the text form that clients put into a list's `labelSelector`.
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
