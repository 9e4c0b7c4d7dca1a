//! Decoding of request bodies and patched objects into complete objects. Unknown fields are dropped and defaults
//! applied. Warnings of field validation are added to the scope.

use serde_json::Value;

use super::scope::RequestScope;
use crate::error::ApiError;
use crate::kinds::defaults;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::decode::body::{Decoded, Decoder, ObjectType};
use crate::object::owner;
use crate::object::patch::outcome::{FieldValidation, Patched};
use crate::registry::resource::Resource;

impl RequestScope {
    /// Decodes an object of the resource and applies defaults.
    pub(crate) fn decode(
        &self,
        validation: FieldValidation,
        decode: impl FnOnce(&Decoder<'_>) -> Result<Decoded, ApiError>,
    ) -> Result<Value, ApiError> {
        let mut read = self.read(self.resource.object_type(), None, validation, decode)?;
        read.warnings.extend(owner::remove_repeated(&mut read.object));
        defaults::of_resource(&self.resource, &mut read.object);
        self.warnings.extend(read.warnings);
        Ok(read.object)
    }

    /// Decodes a valid patched built-in object and applies defaults; `None` for an invalid one.
    pub(crate) fn decode_clean(&self, patched: Patched) -> Option<Value> {
        let is_builtin = |_: &str, _: &str| true;
        let decoder = Decoder {
            object_type: self.resource.object_type(),
            body_kind: None,
            components: &BuiltinSchemas,
            is_builtin: &is_builtin,
            validation: FieldValidation::Ignore,
        };
        let mut object = decoder.clean_patched(patched)?;
        self.warnings.extend(owner::remove_repeated(&mut object));
        defaults::of_resource(&self.resource, &mut object);
        Some(object)
    }

    /// Decodes the body of a subresource with another kind than the resource, given as group/version and kind.
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

    /// Decodes an object of another type than the resource's, without defaults.
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

    /// Decodes the result of a server-side apply. The error is a conversion message.
    pub(crate) fn decode_applied(&self, applied: &Value) -> Result<Value, String> {
        let read = self.read(self.resource.object_type(), None, FieldValidation::Ignore, |decoder| {
            let object = decoder.applied(applied).map_err(|why| ApiError::new(500, "", why))?;
            Ok(Decoded { object, warnings: Vec::new() })
        });
        let mut object = read.map_err(|error| error.message)?.object;
        let repeated = owner::remove_repeated(&mut object);
        defaults::of_resource(&self.resource, &mut object);
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
        let decoder = Decoder {
            object_type,
            body_kind,
            components: &BuiltinSchemas,
            is_builtin: &is_builtin,
            validation,
        };
        decode(&decoder)
    }
}

/// Applies defaults after the preparation of a built-in kind. A custom resource gets defaults only while it is decoded.
pub(crate) fn default_after_prepare(resource: &Resource, value: &mut Value) {
    if resource.is_builtin() && resource.strategy.defaults_after_prepare() {
        defaults::of_resource(resource, value);
    }
}
