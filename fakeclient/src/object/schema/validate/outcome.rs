//! Results of validation: errors with unique messages, and the number of passed checks.
//!
//! The number selects the failed alternative of `anyOf` or `oneOf` that is reported.

use serde_json::Value;

use crate::error::field::{FieldError, FieldErrorKind};

/// Kinds of errors that kube-apiserver distinguishes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ErrorKind {
    /// `Required value`
    Required,
    /// `Unsupported value`, with the supported values.
    Enum(Vec<Value>),
    /// `Too long`, with the limit.
    TooLong(i64),
    /// `Too many`, with the actual number and the limit.
    TooMany(usize, i64),
    /// A wrong type.
    Type,
    /// `Invalid value`
    Other,
    /// An error of the schema as a whole, reported without a path.
    Whole,
}

/// A validation error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ValidationError {
    pub(super) kind: ErrorKind,
    pub(super) path: String,
    pub(super) value: Value,
    pub(super) text: String,
}

/// Errors, and the number of passed checks.
#[derive(Clone, Debug, Default)]
pub(super) struct ValidationResult {
    pub(super) errors: Vec<ValidationError>,
    pub(super) matches: usize,
}

impl ValidationResult {
    /// A result with one error.
    pub(super) fn failed(kind: ErrorKind, path: &str, value: Value, text: String) -> Self {
        let mut outcome = Self::default();
        outcome.add(kind, path, value, text);
        outcome
    }

    pub(super) fn add(&mut self, kind: ErrorKind, path: &str, value: Value, text: String) {
        self.push(ValidationError { kind, path: path.to_owned(), value, text });
    }

    /// Adds an error without a path.
    pub(super) fn add_schema_error(&mut self, text: String) {
        self.add(ErrorKind::Whole, "", Value::Null, text);
    }

    fn push(&mut self, error: ValidationError) {
        if !self.errors.iter().any(|e| e.text == error.text) {
            self.errors.push(error);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for error in other.errors {
            self.push(error);
        }
        self.matches += other.matches;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors as the API reports them, with paths below `base` (empty for a whole resource).
    pub(super) fn into_field_errors(self, base: &str) -> Vec<FieldError> {
        self.errors.into_iter().map(|error| error.into_field_error(base)).collect()
    }
}

impl ValidationError {
    fn into_field_error(self, base: &str) -> FieldError {
        let relative = self.path.strip_prefix('.').unwrap_or(&self.path);
        let field = match (base, relative) {
            ("", "") => "<nil>".to_owned(),
            (base, "") => base.to_owned(),
            ("", relative) => relative.to_owned(),
            (base, relative) => format!("{base}.{relative}"),
        };
        match self.kind {
            ErrorKind::Required => FieldError::required(field, ""),
            ErrorKind::Enum(allowed) => {
                let texts: Vec<String> = allowed
                    .iter()
                    .map(|v| v.as_str().map_or_else(|| crate::error::field::go_json(v), str::to_owned))
                    .collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                FieldError::not_supported(field, self.value, &texts)
            }
            ErrorKind::TooLong(max) => FieldError::too_long(field, usize::try_from(max).unwrap_or(0)),
            ErrorKind::TooMany(actual, max) => {
                FieldError::too_many(field, actual, usize::try_from(max).unwrap_or(0))
            }
            ErrorKind::Type => FieldError::new(FieldErrorKind::TypeInvalid, field, self.value, self.text),
            ErrorKind::Other => FieldError::invalid(field, self.value, self.text),
            ErrorKind::Whole => {
                let field = if base.is_empty() { "<nil>" } else { base };
                FieldError::invalid(field, Value::from(""), self.text)
            }
        }
    }
}

/// The prefix of most messages.
pub(super) fn in_body(path: &str) -> String {
    format!("{path} in body")
}
