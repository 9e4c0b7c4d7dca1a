//! From bytes to an object of the resource: decoded as the server would, unknown fields dropped, defaults applied.

use serde_json::Value;

use super::scope::Scope;
use crate::endpoint::body;
use crate::endpoint::options::FieldValidation;
use crate::error::ApiError;
use crate::object::decode;
use crate::registry::resource::{Resource, Shape};
use crate::registry::schemas;

/// A decoded object, and what a lenient server warns about.
pub(crate) struct Intake {
    pub(crate) object: Value,
    pub(crate) warnings: Vec<String>,
}

impl Scope<'_> {
    /// The object in the request's body.
    pub(crate) fn intake(&self, validation: FieldValidation) -> Result<Intake, ApiError> {
        let (value, duplicates) = body::parse(&self.body, &self.content_type, &self.resource)?;
        self.admit_value(value, duplicates, validation)
    }

    /// An object that a patch made.
    pub(crate) fn intake_value(&self, value: Value, validation: FieldValidation) -> Result<Intake, ApiError> {
        self.admit_value(value, Vec::new(), validation)
    }

    fn admit_value(
        &self,
        mut value: Value,
        mut problems: Vec<String>,
        validation: FieldValidation,
    ) -> Result<Intake, ApiError> {
        body::check_type(&value, &self.resource)?;
        problems.extend(shape(&self.resource, &mut value)?);
        defaults(&self.resource, &mut value);
        match validation {
            FieldValidation::Strict if !problems.is_empty() => Err(body::strict_error(&self.resource, &problems)),
            FieldValidation::Warn => Ok(Intake { object: value, warnings: problems }),
            _ => Ok(Intake { object: value, warnings: Vec::new() }),
        }
    }
}

/// Brings a value into the resource's shape; what comes back are the fields that were dropped, in the server's words.
pub(crate) fn shape(resource: &Resource, value: &mut Value) -> Result<Vec<String>, ApiError> {
    match &resource.shape {
        Shape::Builtin { component } => decode::builtin(schemas::builtin(), component, value),
        Shape::Custom { schema } => decode::custom(schema, value),
    }
}

/// Defaults of the resource's schema, then those that only code can say.
pub(crate) fn defaults(resource: &Resource, value: &mut Value) {
    match &resource.shape {
        Shape::Builtin { component } => crate::registry::builtin::defaults::apply(component, value),
        Shape::Custom { schema } => schema.apply_defaults(value),
    }
    resource.strategy.default(value);
}
