//! Patch of an object by JSON patch, merge patch or strategic merge patch. Server-side apply is in `apply`.

use crate::object::system_fields;
use serde_json::Value;

use super::options::WriteOptions;
use super::outcome::ServedObject;
use super::scope::RequestScope;
use super::update::{Part, Proposed, guaranteed_update};
use crate::error::ApiError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::patch::document::{MergeSchema, Patch};

/// Patches the stored object.
pub(crate) async fn patch(
    scope: &RequestScope,
    part: Part,
    patch: &Patch,
    options: &WriteOptions,
) -> Result<ServedObject, ApiError> {
    let validation = options.field_validation;
    let schema = MergeSchema { component: scope.resource.component(), components: &BuiltinSchemas };
    let propose = |old: &Value| {
        let patched = patch.apply(old, schema, validation)?;
        let mut object = scope.decode(validation, |decoder| decoder.patched(&patched))?;
        system_fields::set_namespace(&mut object, &scope.namespace)?;
        system_fields::check_name(&object, &scope.name)?;
        Ok(Proposed::Object(object))
    };
    // Most patches leave a built-in object in order.
    let propose_clean = |old: &Value| {
        let patched = patch.apply(old, schema, validation).ok()?;
        let mut object = scope.decode_clean(patched)?;
        system_fields::set_namespace(&mut object, &scope.namespace).ok()?;
        system_fields::check_name(&object, &scope.name).ok()?;
        Some(Proposed::Object(object))
    };
    guaranteed_update(scope, part, options, |old| {
        let noticed = scope.warnings.len();
        // Most patches do not touch managed fields. An error shows the object with them.
        if !patch.names_managed_fields() {
            if let Some(proposed) = propose_clean(old.object) {
                return Ok(proposed);
            }
            scope.warnings.truncate(noticed);
            if let Ok(proposed) = propose(old.object) {
                return Ok(proposed);
            }
        }
        scope.warnings.truncate(noticed);
        let mut whole = old.object.clone();
        old.managed_fields.put(&mut whole);
        propose(&whole)
    })
    .await
}
