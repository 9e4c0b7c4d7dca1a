//! Bytes of a body as JSON: what content types are read, and what is said of bytes that are none.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::decode::text;

const READ: &str = "the body of the request was in an unknown format - accepted media types include: \
                    application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// Reads JSON or YAML, as the content type says; without one it is JSON.
pub(crate) fn read(bytes: &[u8], content_type: &str) -> Result<Value, ApiError> {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => {
            text::parse(bytes).map(|parsed| parsed.value).map_err(ApiError::bad_request)
        }
        "application/yaml" => yaml(bytes).map_err(ApiError::bad_request),
        _ => Err(ApiError::unsupported_media_type(READ)),
    }
}

/// `DeleteOptions` of a body, if there is one.
pub(crate) fn delete_options(bytes: &[u8], content_type: &str) -> Result<Option<Value>, ApiError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let body = read(bytes, content_type)?;
    Ok(Some(body).filter(Value::is_object))
}

fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string())
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! { legacy_octal_numbers: true, budget: None }
}

/// The documents of a multi-document YAML text; empty ones are left out.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_octal_numbers_of_yaml_are_octal() {
        let documents = documents("a: 0644\n---\n---\nb: 1\n").expect("valid YAML");
        assert_eq!(documents, [serde_json::json!({"a": 420}), serde_json::json!({"b": 1})]);
    }

    #[test]
    fn a_content_type_that_nobody_reads_is_415() {
        assert_eq!(read(b"<a/>", "text/xml").expect_err("no XML").code, 415);
    }
}
