//! Enumerations.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::FieldAccess;

/// The error of a text that is empty or not one of `known`.
pub(crate) fn one_of(path: &Path, value: &str, known: &[&str]) -> Option<FieldError> {
    if value.is_empty() {
        return Some(FieldError::required(path, ""));
    }
    (!known.contains(&value)).then(|| FieldError::not_supported(path, value.into(), known))
}

/// The same for the field `key` of the object at `path`.
pub(crate) fn required_one_of(path: &Path, object: &Value, key: &str, known: &[&str]) -> Option<FieldError> {
    one_of(&path.child(key), object.text(key), known)
}
