//! From bytes to an object of the resource: decoded as the server would, unknown fields dropped, defaults applied.

use serde_json::Value;

use super::scope::Scope;
use crate::endpoint::body;
use crate::error::ApiError;
use crate::object::patch::outcome::FieldValidation;
use crate::registry::resource::{Resource, Shape};

/// A decoded object, and what a lenient server warns about.
pub(crate) struct Intake {
    pub(crate) object: Value,
    pub(crate) warnings: Vec<String>,
}

impl Scope<'_> {
    /// The object in the request's body.
    pub(crate) fn intake(&self, validation: FieldValidation) -> Result<Intake, ApiError> {
        let body = body::read(&self.body, &self.content_type)?;
        let problems = body.duplicates.iter().map(|path| format!("duplicate field \"{path}\"")).collect();
        self.admit_value(body.value, problems, validation)
    }

    /// An object that a patch made, with what was noticed about the patch.
    pub(crate) fn intake_value(
        &self,
        value: Value,
        problems: Vec<String>,
        validation: FieldValidation,
    ) -> Result<Intake, ApiError> {
        self.admit_value(value, problems, validation)
    }

    fn admit_value(
        &self,
        mut value: Value,
        mut problems: Vec<String>,
        validation: FieldValidation,
    ) -> Result<Intake, ApiError> {
        check_type(&mut value, &self.resource)?;
        problems.extend(shape(&self.resource, &mut value)?);
        defaults(&self.resource, &mut value);
        match validation {
            FieldValidation::Strict if !problems.is_empty() => {
                let text = problems.join(", ");
                Err(ApiError::bad_request(format!("strict decoding error: {text}")))
            }
            FieldValidation::Warn => Ok(Intake { object: value, warnings: problems }),
            _ => Ok(Intake { object: value, warnings: Vec::new() }),
        }
    }
}

/// 400 unless the object is of the resource's kind and version; what is left out is filled in.
fn check_type(value: &mut Value, resource: &Resource) -> Result<(), ApiError> {
    let Some(map) = value.as_object_mut() else {
        return Err(ApiError::bad_request("the body is no object"));
    };
    map.entry("apiVersion").or_insert_with(|| resource.api_version().into());
    map.entry("kind").or_insert_with(|| resource.kind.clone().into());
    Ok(())
}

/// Brings a value into the resource's shape; what comes back are the fields that were dropped, in the server's words.
pub(crate) fn shape(resource: &Resource, value: &mut Value) -> Result<Vec<String>, ApiError> {
    match &resource.shape {
        Shape::Builtin { .. } => Ok(Vec::new()),
        Shape::Custom { schema } => Ok(schema.prune(value)),
    }
}

/// Defaults of the resource's schema, then those that only code can say.
pub(crate) fn defaults(resource: &Resource, value: &mut Value) {
    match &resource.shape {
        Shape::Builtin { .. } => {}
        Shape::Custom { schema } => schema.apply_defaults(value),
    }
    resource.strategy.default(value);
}
