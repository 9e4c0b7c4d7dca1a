//! From bytes to an object of the resource: decoded as the server would, unknown fields dropped, defaults applied. What
//! was noticed about the text goes to the scope's warnings, since it is told also where the request then fails.

use serde_json::Value;

use super::scope::Scope;
use crate::error::ApiError;
use crate::kinds::defaults;
use crate::kinds::schemas::Builtin;
use crate::object::decode::body::{Decoded, Decoder, media};
use crate::object::owner;
use crate::object::patch::outcome::{FieldValidation, Patched};
use crate::registry::resource::{Resource, Shape};

impl Scope<'_> {
    /// The object in the request's body.
    pub(crate) fn intake(&self, validation: FieldValidation) -> Result<Value, ApiError> {
        let media = media(Some(&self.content_type))?;
        self.decoded(validation, |decoder| decoder.body(&self.body, media))
    }

    /// The object in the body of a subresource that takes another kind (group/version and kind) than the resource.
    pub(crate) fn intake_as(
        &self,
        kind: (&str, &str),
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        let media = media(Some(&self.content_type))?;
        let read = self.read(Some(kind), validation, |decoder| decoder.body(&self.body, media))?;
        self.warnings.borrow_mut().extend(read.warnings);
        Ok(read.object)
    }

    /// What a patch has made of an object.
    pub(crate) fn intake_patched(
        &self,
        patched: &Patched,
        validation: FieldValidation,
    ) -> Result<Value, ApiError> {
        self.decoded(validation, |decoder| decoder.patched(patched))
    }

    /// What an apply has made of an object, or why it cannot be one.
    pub(crate) fn intake_applied(&self, applied: &Value) -> Result<Value, String> {
        let read = self.read(None, FieldValidation::Ignore, |decoder| {
            let object = decoder.applied(applied).map_err(|why| ApiError::new(500, "", why))?;
            Ok(Decoded { object, warnings: Vec::new() })
        });
        let mut object = read.map_err(|error| error.message)?.object;
        let repeated = owner::drop_repeated(&mut object);
        defaults(&self.resource, &mut object);
        self.warnings.borrow_mut().extend(repeated);
        Ok(object)
    }

    fn decoded(
        &self,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Value, ApiError> {
        let mut read = self.read(None, validation, decode)?;
        read.warnings.extend(owner::drop_repeated(&mut read.object));
        defaults(&self.resource, &mut read.object);
        self.warnings.borrow_mut().extend(read.warnings);
        Ok(read.object)
    }

    fn read(
        &self,
        body_kind: Option<(&str, &str)>,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Decoded, ApiError> {
        let registry = self.core.registry();
        let is_builtin = |api_version: &str, kind: &str| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            registry.kind(group, version, kind).is_some_and(|resource| resource.is_builtin())
        };
        let decoder = Decoder {
            resource: &self.resource,
            body_kind,
            components: &Builtin,
            is_builtin: &is_builtin,
            validation,
        };
        decode(&decoder)
    }
}

/// Defaults of what a built-in kind's preparation has changed; a custom resource gets defaults only while it is read.
pub(crate) fn complete(resource: &Resource, value: &mut Value) {
    if resource.is_builtin() {
        defaults(resource, value);
    }
}

/// Defaults of the resource's schema, then those that only code can say.
pub(crate) fn defaults(resource: &Resource, value: &mut Value) {
    match &resource.shape {
        Shape::Builtin { component } => defaults::apply(component, value),
        Shape::Custom { schema } => schema.apply_defaults(value),
    }
    resource.strategy.default(value);
}
