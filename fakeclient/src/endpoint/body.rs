//! Bytes of a body that is no object of a resource: delete options, and the manifests a cluster is built with.

use serde_json::Value;

use crate::error::ApiError;
use crate::kinds::schemas::Builtin;
use crate::object::decode::body::media;
use crate::object::decode::delete_options as decode;

/// `DeleteOptions` of a body, if there is one.
pub(crate) fn delete_options(bytes: &[u8], content_type: &str) -> Result<Option<Value>, ApiError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let media = media(Some(content_type))?;
    decode::read(bytes, media, &Builtin).map(Some).map_err(ApiError::bad_request)
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
        assert_eq!(delete_options(b"<a/>", "text/xml").expect_err("no XML").code, 415);
    }
}
