//! PATCH: JSON patch, merge patch, strategic merge patch; apply is a verb of its own.

use serde_json::Value;

use super::scope::Scope;
use super::update::{Made, Part, change};
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::kinds::schemas::Builtin;
use crate::object::meta;
use crate::object::patch::outcome::{self, FieldValidation, Patched};
use crate::object::patch::{json, merge, strategic};
use crate::registry::resource::Shape;

/// How a patch changes an object.
enum Patch {
    Json(bytes::Bytes),
    Merge(bytes::Bytes),
    Strategic(bytes::Bytes),
}

pub(crate) fn patch(scope: &mut Scope<'_>, part: Part) -> Result<Reply, ApiError> {
    if is_apply(scope) {
        return super::apply::apply(scope, part);
    }
    let patch = parse(scope)?;
    let options = WriteOptions::parse(&scope.query, "PatchOptions")?;
    let make = |scope: &Scope<'_>, old: &Value| {
        let patched = apply(scope, &patch, old, options.field_validation)?;
        let mut object = scope.intake_patched(&patched, options.field_validation)?;
        meta::settle_namespace(&mut object, &scope.namespace)?;
        meta::check_name(&object, &scope.name)?;
        Ok(Made::Updated(object))
    };
    let names_managers = scope.body.windows(MANAGED_FIELDS.len()).any(|part| part == MANAGED_FIELDS);
    let written = change(scope, part, &options, |scope, old| {
        let noticed = scope.warnings.borrow().len();
        // Most patches have nothing to do with managed fields; an error shows the whole object all the same.
        if !names_managers && let Ok(made) = make(scope, old.object) {
            return Ok(made);
        }
        scope.warnings.borrow_mut().truncate(noticed);
        let mut whole = old.object.clone();
        old.managed_fields.put(&mut whole);
        make(scope, &whole)
    })?;
    scope.reply(200, &written)
}

const MANAGED_FIELDS: &[u8] = b"managedFields";

/// Whether the request is a server-side apply.
pub(crate) fn is_apply(scope: &Scope<'_>) -> bool {
    scope.content_type.split(';').next() == Some("application/apply-patch+yaml")
}

fn parse(scope: &Scope<'_>) -> Result<Patch, ApiError> {
    let custom = !scope.resource.is_builtin();
    let body = scope.body.clone();
    match scope.content_type.split(';').next().unwrap_or_default() {
        "application/json-patch+json" => Ok(Patch::Json(body)),
        "application/merge-patch+json" => Ok(Patch::Merge(body)),
        "application/strategic-merge-patch+json" if !custom => Ok(Patch::Strategic(body)),
        _ => Err(outcome::unsupported_type(custom)),
    }
}

/// The stored object with the patch applied.
fn apply(
    scope: &Scope<'_>,
    patch: &Patch,
    old: &Value,
    validation: FieldValidation,
) -> Result<Patched, ApiError> {
    match patch {
        Patch::Json(body) => json::apply(body, old, validation),
        Patch::Merge(body) => merge::apply(body, old, validation),
        Patch::Strategic(body) => {
            let Shape::Builtin { component } = &scope.resource.shape else {
                return Err(outcome::unsupported_type(true));
            };
            strategic::apply(body, old, component, &Builtin, validation)
        }
    }
}
