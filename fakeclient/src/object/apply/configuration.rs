//! Apply configurations: bodies of `application/apply-patch+yaml`.

use bytes::Bytes;
use serde_json::Value;

use crate::error::ApiError;
use crate::object::decode::scalar::plain_numbers;
use crate::object::decode::text::Parsed;
use crate::object::decode::{text, yaml};
use crate::object::patch::outcome::{FieldValidation, go_type};

/// The body of a server-side apply.
pub(crate) struct ApplyConfiguration {
    pub(crate) value: Value,
    /// Duplicate keys, each with its line.
    duplicates: Vec<String>,
}

impl ApplyConfiguration {
    /// Parses YAML, which includes JSON.
    pub(crate) fn read(body: &Bytes) -> Result<Self, ApiError> {
        // A body that looks like JSON is first parsed as JSON.
        let json = body.trim_ascii_start().starts_with(b"{");
        let step = if json { "decoding patch: error converting YAML to JSON" } else { "encoding patch" };
        let Parsed { mut value, duplicates } =
            parse(body).map_err(|why| ApiError::bad_request(format!("error {step}: {why}")))?;
        plain_numbers(&mut value);
        if value.is_object() || value.is_null() {
            return Ok(Self { value, duplicates });
        }
        Err(ApiError::bad_request(format!(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go \
             value of type map[string]interface {{}}",
            go_type(&value)
        )))
    }

    /// Warnings of duplicate keys; an error if validation is strict.
    pub(crate) fn check_duplicates(&self, validation: FieldValidation) -> Result<&[String], ApiError> {
        if self.duplicates.is_empty() || validation == FieldValidation::Ignore {
            return Ok(&[]);
        }
        if validation == FieldValidation::Strict {
            let lines: Vec<String> = self.duplicates.iter().map(|line| format!("\n  {line}")).collect();
            let why = format!("error converting YAML to JSON: yaml: unmarshal errors:{}", lines.concat());
            return Err(ApiError::bad_request(format!("error strict decoding patch: {why}")));
        }
        Ok(&self.duplicates)
    }
}

fn parse(body: &Bytes) -> Result<Parsed, String> {
    // JSON is faster to parse; if it has duplicate keys, the YAML parser provides their lines.
    match text::parse(body) {
        Ok(parsed) if parsed.duplicates.is_empty() && std::str::from_utf8(body).is_ok() => Ok(parsed),
        _ => yaml::parse(body),
    }
}
