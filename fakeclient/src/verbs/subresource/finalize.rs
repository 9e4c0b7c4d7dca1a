//! PUT of `namespaces/NAME/finalize`: the only way to change `spec.finalizers`, by which a namespace is held.

use serde_json::Value;

use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::meta;
use crate::verbs::metadata;
use crate::verbs::scope::Scope;
use crate::verbs::update::{Made, Part, change};

pub(crate) fn finalize(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "UpdateOptions")?;
    let object = scope.intake(options.field_validation)?;
    let written = change(scope, Part::Finalize, &options, |_, old| {
        let mut new = old.object.clone();
        let finalizers = object["spec"]["finalizers"].clone();
        set_finalizers(&mut new, finalizers);
        let revision = meta::text(&object, "resourceVersion");
        if !revision.is_empty() {
            metadata::set(&mut new, "resourceVersion", revision.into());
        }
        Ok(Made::Updated(new))
    })?;
    scope.reply(200, &written)
}

fn set_finalizers(namespace: &mut Value, finalizers: Value) {
    let empty = finalizers.as_array().is_none_or(Vec::is_empty);
    if let Some(spec) = namespace.get_mut("spec").and_then(Value::as_object_mut) {
        if empty {
            spec.remove("finalizers");
        } else {
            spec.insert("finalizers".into(), finalizers);
        }
    }
}
