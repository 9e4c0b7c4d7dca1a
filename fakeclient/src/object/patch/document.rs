//! Patch documents: JSON patch, merge patch and strategic merge patch.

use serde_json::Value;

use super::outcome::{FieldValidation, Patched, unsupported_type};
use super::{json, merge, strategic};
use crate::error::ApiError;
use crate::object::decode::text::{self, Parsed};
use crate::object::schema::components::Components;

const MANAGED_FIELDS: &[u8] = b"managedFields";

/// The type of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchType {
    Json,
    Merge,
    Strategic,
}

/// A parsed patch.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    kind: PatchType,
    /// `None` if the body is not valid JSON: the server reports that after it has found the object.
    document: Option<Parsed>,
    names_managed_fields: bool,
}

/// The schema for strategic merge patches.
#[derive(Clone, Copy)]
pub(crate) struct MergeSchema<'a> {
    /// Component of the object; `None` for custom resources, which do not support strategic merge patches.
    pub(crate) component: Option<&'a str>,
    pub(crate) components: &'a dyn Components,
}

impl Patch {
    /// Parses a patch of a media type (without parameters). `strategic` is true if the resource supports strategic
    /// merge patches.
    pub(crate) fn read(media_type: &str, body: &[u8], strategic: bool) -> Result<Self, ApiError> {
        let kind = match media_type {
            "application/json-patch+json" => PatchType::Json,
            "application/merge-patch+json" => PatchType::Merge,
            "application/strategic-merge-patch+json" if strategic => PatchType::Strategic,
            _ => return Err(unsupported_type(!strategic)),
        };
        let has = |text: &[u8]| body.windows(text.len()).any(|part| part == text);
        // A JSON patch may move, copy or test the whole metadata or object.
        let whole = kind == PatchType::Json && (has(b"\"/metadata\"") || has(b"\"\""));
        let names_managed_fields = whole || has(MANAGED_FIELDS);
        Ok(Self { kind, document: text::parse(body).ok(), names_managed_fields })
    }

    /// True if the patch may read or change `metadata.managedFields`.
    pub(crate) fn names_managed_fields(&self) -> bool {
        self.names_managed_fields
    }

    /// Applies the patch to a copy of `object`.
    pub(crate) fn apply(
        &self,
        object: &Value,
        schema: MergeSchema<'_>,
        validation: FieldValidation,
    ) -> Result<Patched, ApiError> {
        let document = self.document.as_ref().ok_or_else(|| ApiError::bad_request("invalid JSON patch"))?;
        match (self.kind, schema.component) {
            (PatchType::Json, _) => json::apply(document, object, validation),
            (PatchType::Merge, _) => merge::apply(document, object, validation),
            (PatchType::Strategic, Some(component)) => {
                strategic::apply(document, object, component, schema.components, validation)
            }
            (PatchType::Strategic, None) => Err(unsupported_type(true)),
        }
    }
}

/// Patches as JSON text, for tests.
#[cfg(test)]
pub(crate) mod text_patch {
    use serde_json::Value;

    use super::{MergeSchema, Patch};
    use crate::error::ApiError;
    use crate::object::patch::outcome::{FieldValidation, Patched};
    use crate::object::schema::components::Components;
    use crate::object::schema::structural::Structural;

    struct NoComponents;

    impl Components for NoComponents {
        fn component(&self, _name: &str) -> Option<&Structural> {
            None
        }
    }

    pub(crate) fn json(
        body: &[u8],
        object: &Value,
        validation: FieldValidation,
    ) -> Result<Patched, ApiError> {
        let schema = MergeSchema { component: None, components: &NoComponents };
        Patch::read("application/json-patch+json", body, false)?.apply(object, schema, validation)
    }

    pub(crate) fn merge(
        body: &[u8],
        object: &Value,
        validation: FieldValidation,
    ) -> Result<Patched, ApiError> {
        let schema = MergeSchema { component: None, components: &NoComponents };
        Patch::read("application/merge-patch+json", body, false)?.apply(object, schema, validation)
    }

    pub(crate) fn strategic(
        body: &[u8],
        object: &Value,
        component: &str,
        components: &dyn Components,
        validation: FieldValidation,
    ) -> Result<Patched, ApiError> {
        let schema = MergeSchema { component: Some(component), components };
        Patch::read("application/strategic-merge-patch+json", body, true)?.apply(object, schema, validation)
    }
}
