//! PATCH: JSON patch, merge patch, strategic merge patch. Server-side apply is not modelled yet and says so.

use serde_json::Value;

use super::scope::Scope;
use super::update::{Part, change};
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::meta;
use crate::object::patch::outcome::{self, FieldValidation, Patched};
use crate::object::patch::{json, merge, strategic};
use crate::registry::builtin::schemas::Builtin;
use crate::registry::resource::Shape;

/// How a patch changes an object.
enum Patch {
    Json(bytes::Bytes),
    Merge(bytes::Bytes),
    Strategic(bytes::Bytes),
}

pub(crate) fn patch(scope: &mut Scope<'_>, part: Part) -> Result<Reply, ApiError> {
    let patch = parse(scope)?;
    let options = WriteOptions::parse(&scope.query, "PatchOptions")?;
    let written = change(scope, part, &options, |scope, old| {
        let patched = apply(scope, &patch, old, options.field_validation)?;
        let mut object = scope.intake_patched(&patched, options.field_validation)?;
        meta::settle_namespace(&mut object, &scope.namespace)?;
        meta::check_name(&object, &scope.name)?;
        Ok(object)
    })?;
    scope.reply_value(200, &written.object)
}

fn parse(scope: &Scope<'_>) -> Result<Patch, ApiError> {
    let custom = !scope.resource.is_builtin();
    let body = scope.body.clone();
    match scope.content_type.split(';').next().unwrap_or_default() {
        "application/json-patch+json" => Ok(Patch::Json(body)),
        "application/merge-patch+json" => Ok(Patch::Merge(body)),
        "application/strategic-merge-patch+json" if !custom => Ok(Patch::Strategic(body)),
        "application/apply-patch+yaml" => {
            WriteOptions::parse_apply(&scope.query)?;
            Err(ApiError::not_modelled("server-side apply (PATCH with application/apply-patch+yaml)"))
        }
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
