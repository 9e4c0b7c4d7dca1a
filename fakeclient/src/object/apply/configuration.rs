//! Apply configurations: bodies of `application/apply-patch+yaml`.

use bytes::Bytes;
use serde_json::Value;

use crate::error::ApiError;
use crate::object::decode::body::plain_numbers;
use crate::object::decode::text::Parsed;
use crate::object::decode::{text, yaml};
use crate::object::patch::outcome::{FieldValidation, go_type};

/// The body of a server-side apply.
pub(crate) struct ApplyConfiguration {
    pub(crate) value: Value,
    /// Keys given twice, each with its line.
    duplicates: Vec<String>,
}

impl ApplyConfiguration {
    /// Reads YAML, of which JSON is a part.
    pub(crate) fn read(body: &Bytes) -> Result<Self, ApiError> {
        // What looks like JSON is taken as it is at first.
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

    /// The warnings about keys that are given twice, or the error where validation is strict.
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
    // JSON is read faster as such; a key given twice is named by its line, which the YAML reader knows.
    match text::parse(body) {
        Ok(parsed) if parsed.duplicates.is_empty() && std::str::from_utf8(body).is_ok() => Ok(parsed),
        _ => yaml::parse(body),
    }
}
