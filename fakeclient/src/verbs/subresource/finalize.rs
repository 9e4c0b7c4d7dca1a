//! Update of `namespaces/NAME/finalize`: the only way to change `spec.finalizers` of a namespace.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::view::metadata;
use crate::verbs::options::WriteOptions;
use crate::verbs::outcome::ServedObject;
use crate::verbs::scope::RequestScope;
use crate::verbs::update::{Part, Proposed, guaranteed_update};

/// Sets the finalizers of `object` on the stored namespace.
pub(crate) async fn finalize(
    scope: &RequestScope,
    object: &Value,
    options: &WriteOptions,
) -> Result<ServedObject, ApiError> {
    guaranteed_update(scope, Part::Finalize, options, |old| {
        let mut new = old.object.clone();
        set_finalizers(&mut new, object["spec"]["finalizers"].clone());
        let revision = metadata::text(object, "resourceVersion");
        if !revision.is_empty() {
            metadata::set(&mut new, "resourceVersion", revision.into());
        }
        Ok(Proposed::Object(new))
    })
    .await
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
