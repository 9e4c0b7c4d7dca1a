//! Texts of the errors of bodies and patched objects.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::patch::outcome::go_type;

/// 400 for bytes that contain no object.
pub(crate) fn unrecognized_object(kind: &str, why: &str, bytes: &[u8]) -> ApiError {
    let shown = summary(bytes);
    ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({shown})"
    ))
}

pub(in crate::object::decode) fn unregistered(kind: &str, api_version: &str) -> String {
    format!(
        "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
    )
}

pub(super) fn no_header(value: &Value) -> String {
    let found = go_type(value);
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct {{ \
         APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )
}

/// The error of an `apiVersion` or `kind` that is no text.
pub(super) fn mistyped_header(value: &Value) -> Option<String> {
    ["apiVersion", "kind"].into_iter().find_map(|key| {
        let found = go_type(value.get(key).filter(|found| !(found.is_string() || found.is_null()))?);
        Some(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go struct field .{key} \
             of type string"
        ))
    })
}

/// YAML warnings are complete; those of JSON are paths.
pub(super) fn remark_of(path: &str) -> String {
    if is_yaml_remark(path) { path.to_owned() } else { format!("duplicate field \"{path}\"") }
}

fn is_yaml_remark(text: &str) -> bool {
    text.starts_with("line ") && text.ends_with("already set in map")
}

pub(super) fn strict_text(remarks: &[String]) -> String {
    let shown = remarks.iter().map(|remark| {
        if is_yaml_remark(remark) { format!("yaml: unmarshal errors:\n  {remark}") } else { remark.clone() }
    });
    format!("strict decoding error: {}", shown.collect::<Vec<_>>().join(", "))
}

/// The beginning of a body in error messages: text if it looks like an object, else hexadecimal.
fn summary(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let (head, more) = if bytes.len() > SHOWN { (&bytes[..SHOWN], " ...") } else { (bytes, "") };
    match head.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(head)),
        Some(_) => {
            let digits =
                |b: &u8| [b >> 4, b & 15].map(|half| char::from(b"0123456789abcdef"[usize::from(half)]));
            head.iter().flat_map(digits).chain(more.chars()).collect()
        }
    }
}
