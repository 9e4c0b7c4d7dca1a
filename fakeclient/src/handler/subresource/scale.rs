//! `scale`: a few numbers of an object, in a form that is the same for every kind.

use serde_json::{Value, json};

use crate::endpoint::body;
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::handler::metadata;
use crate::handler::scope::Scope;
use crate::handler::update::{Part, change};
use crate::object::field::FieldError;
use crate::object::meta;
use crate::object::patch::merge;
use crate::registry::resource::ScalePaths;

pub(crate) fn get(scope: &Scope<'_>) -> Result<Reply, ApiError> {
    let paths = paths(scope)?;
    let snapshot = scope.core.store.snapshot();
    let object = scope.stored(&snapshot)?;
    let served = scope.core.served(&scope.resource, object.value())?;
    Ok(Reply::value(200, &read(scope, &paths, &served)))
}

pub(crate) fn update(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "UpdateOptions")?;
    let scale = body::read(&scope.body, &scope.content_type)?.value;
    if meta::text(&scale, "name") != scope.name {
        let why = format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            meta::text(&scale, "name"),
            scope.name
        );
        return Err(ApiError::bad_request(why));
    }
    write(scope, &options, move |_| Ok(scale.clone()))
}

pub(crate) fn patch(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "PatchOptions")?;
    let body = scope.body.clone();
    let kind = scope.content_type.split(';').next().unwrap_or_default().to_owned();
    let validation = options.field_validation;
    write(scope, &options, move |scale| match kind.as_str() {
        "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            merge::apply(&body, scale, validation).map(|patched| patched.object)
        }
        "application/json-patch+json" => {
            crate::object::patch::json::apply(&body, scale, validation).map(|patched| patched.object)
        }
        _ => Err(ApiError::not_modelled("this patch type on a scale subresource")),
    })
}

fn write(
    scope: &Scope<'_>,
    options: &WriteOptions,
    make: impl Fn(&Value) -> Result<Value, ApiError>,
) -> Result<Reply, ApiError> {
    let paths = paths(scope)?;
    let written = change(scope, Part::Main, options, |scope, old| {
        let scale = make(&read(scope, &paths, old))?;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        if replicas < 0 {
            let why = "must be greater than or equal to 0";
            let error = FieldError::invalid("spec.replicas", replicas.into(), why);
            let name = scope.name.as_str();
            return Err(ApiError::invalid("autoscaling", "Scale", name, &[error]));
        }
        let mut new = old.clone();
        set(&mut new, &paths.spec_replicas, replicas.into());
        let revision = meta::text(&scale, "resourceVersion");
        if !revision.is_empty() {
            metadata::set(&mut new, "resourceVersion", revision.into());
        }
        Ok(new)
    })?;
    Ok(Reply::value(200, &read(scope, &paths, &written.object)))
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
