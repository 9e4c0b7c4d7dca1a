//! Decoding of objects: bodies and patched objects become complete objects of the resource, as the server reads them.
//! Unknown fields are dropped, defaults applied; remarks about the text go to the scope's warnings.

use serde_json::Value;

use super::scope::RequestScope;
use crate::error::ApiError;
use crate::kinds::defaults;
use crate::kinds::schemas::Builtin;
use crate::object::decode::body::{Decoded, Decoder, ObjectType};
use crate::object::owner;
use crate::object::patch::outcome::{FieldValidation, Patched};
use crate::object::schema::shape::Shape;
use crate::registry::resource::Resource;

impl RequestScope {
    /// Decodes an object of the resource and completes it.
    pub(crate) fn decode(
        &self,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Value, ApiError> {
        let mut read = self.read(self.resource.object_type(), None, validation, decode)?;
        read.warnings.extend(owner::drop_repeated(&mut read.object));
        defaults(&self.resource, &mut read.object);
        self.warnings.extend(read.warnings);
        Ok(read.object)
    }

    /// Decodes a patched built-in object in which nothing is wrong, and completes it.
    pub(crate) fn decode_clean(&self, patched: Patched) -> Option<Value> {
        let is_builtin = |_: &str, _: &str| true;
        let decoder = Decoder {
            object_type: self.resource.object_type(),
            body_kind: None,
            components: &Builtin,
            is_builtin: &is_builtin,
            validation: FieldValidation::Ignore,
        };
        let mut object = decoder.clean_patched(patched)?;
        self.warnings.extend(owner::drop_repeated(&mut object));
        defaults(&self.resource, &mut object);
        Some(object)
    }

    /// Decodes the body of a subresource that takes another kind (group/version and kind) than the resource.
    pub(crate) fn decode_as(
        &self,
        kind: (&str, &str),
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Value, ApiError> {
        let read = self.read(self.resource.object_type(), Some(kind), validation, decode)?;
        self.warnings.extend(read.warnings);
        Ok(read.object)
    }

    /// Decodes an object of another type than the resource's, as it is.
    pub(crate) fn decode_type(
        &self,
        object_type: ObjectType<'_>,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Value, ApiError> {
        let read = self.read(object_type, None, validation, decode)?;
        self.warnings.extend(read.warnings);
        Ok(read.object)
    }

    /// Decodes the object that a server-side apply has made; the error says why it is none of the resource.
    pub(crate) fn decode_applied(&self, applied: &Value) -> Result<Value, String> {
        let read = self.read(self.resource.object_type(), None, FieldValidation::Ignore, |decoder| {
            let object = decoder.applied(applied).map_err(|why| ApiError::new(500, "", why))?;
            Ok(Decoded { object, warnings: Vec::new() })
        });
        let mut object = read.map_err(|error| error.message)?.object;
        let repeated = owner::drop_repeated(&mut object);
        defaults(&self.resource, &mut object);
        self.warnings.extend(repeated);
        Ok(object)
    }

    fn read(
        &self,
        object_type: ObjectType<'_>,
        body_kind: Option<(&str, &str)>,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Decoded, ApiError> {
        let registry = self.state.registry();
        let is_builtin = |api_version: &str, kind: &str| {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            registry.kind(group, version, kind).is_some_and(|resource| resource.is_builtin())
        };
        let decoder =
            Decoder { object_type, body_kind, components: &Builtin, is_builtin: &is_builtin, validation };
        decode(&decoder)
    }
}

/// Applies defaults after a built-in kind's preparation; a custom resource gets defaults only while it is decoded.
pub(crate) fn complete(resource: &Resource, value: &mut Value) {
    if resource.is_builtin() && resource.strategy.defaults_after_prepare() {
        defaults(resource, value);
    }
}

/// Applies the defaults of the resource's schema, then those of its strategy.
fn defaults(resource: &Resource, value: &mut Value) {
    match &resource.shape {
        Shape::Builtin { component } => defaults::apply(component, value),
        Shape::Custom { schema } => schema.apply_defaults(value),
    }
    resource.strategy.apply_defaults(value);
}
