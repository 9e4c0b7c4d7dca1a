//! JSON patch (RFC 6902) as kube-apiserver 1.37 applies it, with the deviations of its library: `replace` adds an
//! absent field, an index may be negative, `add` without a value adds null, and text before the first slash of a path
//! is ignored. The crate json-patch has none of these, so it is not used.

use serde_json::{Map, Value};

use super::outcome::{FieldValidation, Patched, go_type, inapplicable};
use crate::error::ApiError;
use crate::object::decode::text::Parsed;

const MAX_OPERATIONS: usize = 10_000;

/// An operation that cannot be applied. The server's message has no details.
#[derive(Debug)]
struct Inapplicable;

/// Applies the patch to `object`.
pub(super) fn apply(
    parsed: &Parsed,
    object: &Value,
    validation: FieldValidation,
) -> Result<Patched, ApiError> {
    let strict = validation != FieldValidation::Ignore;
    let operations = operations(&parsed.value, strict)?;
    let mut remarks = Vec::new();
    if strict {
        remarks = operation_warnings(operations, &parsed.duplicates);
    }
    if operations.len() > MAX_OPERATIONS {
        let count = operations.len();
        return Err(ApiError::too_large(format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}"
        )));
    }
    let mut object = object.clone();
    for operation in operations {
        step(&mut object, operation).map_err(|Inapplicable| inapplicable())?;
    }
    Ok(Patched::new(object, remarks))
}

/// The operations, each an object or null. The error for another JSON type is Go's.
fn operations(patch: &Value, strict: bool) -> Result<&[Value], ApiError> {
    let (prefix, list, item) = if strict {
        ("error decoding patch: ", "[]handlers.jsonPatchOp", "handlers.jsonPatchOp")
    } else {
        ("", "jsonpatch.Patch", "jsonpatch.Operation")
    };
    let wrong = |value: &Value, wanted: &str| {
        let found = go_type(value);
        ApiError::bad_request(format!("{prefix}json: cannot unmarshal {found} into Go {wanted}"))
    };
    let operations = match patch {
        Value::Array(operations) => operations.as_slice(),
        Value::Null => &[],
        other => return Err(wrong(other, &format!("value of type {list}"))),
    };
    for operation in operations {
        let fields = match operation {
            Value::Object(fields) => fields,
            Value::Null => continue,
            other => return Err(wrong(other, &format!("value of type {item}"))),
        };
        for key in ["op", "path", "from"].iter().filter(|_| strict) {
            match fields.get(*key) {
                None | Some(Value::Null | Value::String(_)) => {}
                Some(other) => {
                    return Err(wrong(other, &format!("struct field jsonPatchOp.{key} of type string")));
                }
            }
        }
    }
    Ok(operations)
}

/// Warnings of duplicate and unknown fields of the operations.
fn operation_warnings(operations: &[Value], duplicates: &[String]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let prefix = format!("[{index}].");
        let twice = duplicates.iter().filter(|path| path.starts_with(&prefix));
        remarks.extend(twice.map(|path| format!("json patch duplicate field \"{path}\"")));
        let fields = operation.as_object().into_iter().flat_map(Map::keys);
        let unknown = fields.filter(|key| !matches!(key.as_str(), "op" | "path" | "from" | "value"));
        remarks.extend(unknown.map(|key| format!("json patch unknown field \"{prefix}{key}\"")));
    }
    remarks
}

fn step(document: &mut Value, operation: &Value) -> Result<(), Inapplicable> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).ok_or(Inapplicable);
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match text("op")? {
        "add" => add(document, text("path")?, value()),
        "remove" => remove(document, text("path")?).map(drop),
        "replace" => replace(document, text("path")?, value()),
        "move" => {
            let moved = remove(document, text("from")?)?;
            add(document, text("path")?, moved)
        }
        "copy" => {
            let copied = get(document, text("from")?)?.cloned().unwrap_or(Value::Null);
            add(document, text("path")?, copied)
        }
        "test" => test(document, text("path")?, operation.get("value")),
        _ => Err(Inapplicable),
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Inapplicable> {
    let (parent, key) = parent_mut(document, path)?;
    match parent {
        Value::Object(fields) => {
            fields.insert(key, value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(&key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => return Err(Inapplicable),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Inapplicable> {
    let (parent, key) = parent_mut(document, path)?;
    match parent {
        Value::Object(fields) => fields.remove(&key).ok_or(Inapplicable),
        Value::Array(items) => {
            let at = index(&key, items.len())?;
            Ok(items.remove(at))
        }
        _ => Err(Inapplicable),
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), Inapplicable> {
    if path.is_empty() {
        if !(value.is_object() || value.is_array()) {
            return Err(Inapplicable);
        }
        *document = value;
        return Ok(());
    }
    let (parent, key) = parent_mut(document, path)?;
    match parent {
        Value::Object(fields) => {
            fields.insert(key, value);
        }
        Value::Array(items) => {
            let at = index(&key, items.len())?;
            items[at] = value;
        }
        _ => return Err(Inapplicable),
    }
    Ok(())
}

/// An absent field equals null.
fn test(document: &Value, path: &str, wanted: Option<&Value>) -> Result<(), Inapplicable> {
    let found = if path.is_empty() { Some(document) } else { get(document, path)? };
    let found = found.unwrap_or(&Value::Null);
    if found == wanted.unwrap_or(&Value::Null) { Ok(()) } else { Err(Inapplicable) }
}

/// The value at `path`; `None` if an object lacks the last key.
fn get<'v>(document: &'v Value, path: &str) -> Result<Option<&'v Value>, Inapplicable> {
    let (parents, key) = split(path)?;
    let mut parent = document;
    for part in parents {
        parent = match parent {
            Value::Object(fields) => fields.get(&part).ok_or(Inapplicable)?,
            Value::Array(items) => &items[index(&part, items.len())?],
            _ => return Err(Inapplicable),
        };
    }
    match parent {
        Value::Object(fields) => Ok(fields.get(&key)),
        Value::Array(items) => Ok(Some(&items[index(&key, items.len())?])),
        _ => Err(Inapplicable),
    }
}

/// The parent of the last segment of `path`, and that segment.
fn parent_mut<'v>(document: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Inapplicable> {
    let (parents, key) = split(path)?;
    let mut parent = document;
    for part in parents {
        parent = match parent {
            Value::Object(fields) => fields.get_mut(&part).ok_or(Inapplicable)?,
            Value::Array(items) => {
                let at = index(&part, items.len())?;
                &mut items[at]
            }
            _ => return Err(Inapplicable),
        };
    }
    Ok((parent, key))
}

/// Unescaped segments of a pointer, the last one separately. Text before the first slash is ignored.
fn split(path: &str) -> Result<(Vec<String>, String), Inapplicable> {
    let mut parts: Vec<_> =
        path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    let last = parts.pop().ok_or(Inapplicable)?;
    Ok((parts, last))
}

/// An index in `0..length`; a negative one counts from the end.
fn index(text: &str, length: usize) -> Result<usize, Inapplicable> {
    let number: isize = text.parse().map_err(|_| Inapplicable)?;
    let at = if number < 0 { number + isize::try_from(length).map_err(|_| Inapplicable)? } else { number };
    usize::try_from(at).ok().filter(|at| *at < length).ok_or(Inapplicable)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::object::patch::document::text_patch;

    fn widget() -> Value {
        json!({"spec": {"a": "x", "n": 1, "l": ["p", "q"]}})
    }

    fn patched(patch: &str) -> Result<Patched, ApiError> {
        text_patch::json(patch.as_bytes(), &widget(), FieldValidation::Warn)
    }

    #[rstest]
    #[case("nonsense", 400, "invalid JSON patch")]
    #[case("", 400, "invalid JSON patch")]
    #[case(
        "{}",
        400,
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    )]
    #[case(
        "[1]",
        400,
        "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"
    )]
    #[case(
        r#"[{"op":3}]"#,
        400,
        "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"
    )]
    #[case("[{}]", 422, "the server rejected our request due to an error in our request")]
    fn malformed_patch_has_the_message_of_kube_apiserver(
        #[case] patch: &str,
        #[case] code: u16,
        #[case] message: &str,
    ) {
        let error = patched(patch).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, message));
    }

    #[rstest]
    #[case(r#"{"op":"frob","path":"/a"}"#)]
    #[case(r#"{"op":"test","path":"/spec/a","value":"y"}"#)]
    #[case(r#"{"op":"test","path":"/spec/n","value":1.0}"#)]
    #[case(r#"{"op":"test","path":"/spec/zz/b","value":"y"}"#)]
    #[case(r#"{"op":"test","path":"/spec/a/x","value":1}"#)]
    #[case(r#"{"op":"remove","path":"/spec/zz"}"#)]
    #[case(r#"{"op":"remove","path":"/spec/l/-"}"#)]
    #[case(r#"{"op":"remove","path":""}"#)]
    #[case(r#"{"op":"replace","path":"/zz/y","value":1}"#)]
    #[case(r#"{"op":"replace","path":"/spec/l/7","value":"1"}"#)]
    #[case(r#"{"op":"replace","path":"","value":3}"#)]
    #[case(r#"{"op":"replace","path":"a","value":3}"#)]
    #[case(r#"{"op":"add","path":"/spec/l/7","value":"1"}"#)]
    #[case(r#"{"op":"add","path":"","value":{}}"#)]
    #[case(r#"{"op":"add"}"#)]
    #[case(r#"{"op":"move","from":"/spec/zz","path":"/spec/a"}"#)]
    #[case(r#"{"op":"move","path":"/spec/a"}"#)]
    #[case(r#"{"op":"copy","from":"/spec/l/9","path":"/spec/a"}"#)]
    #[case(r#"{"op":"copy","from":"/spec/a","path":"/zz/y"}"#)]
    fn operation_that_cannot_be_applied_is_unprocessable(#[case] operation: &str) {
        let error = patched(&format!("[{operation}]")).unwrap_err();
        assert_eq!(error.code, 422, "{operation}");
        assert_eq!(error.to_status()["details"], json!({}));
    }

    #[rstest]
    #[case(r#"{"op":"test","path":"/spec/zz","value":null}"#, widget())]
    #[case(r#"{"op":"replace","path":"/spec/zz","value":1}"#, json!({"spec": {"a": "x", "n": 1, "l": ["p", "q"], "zz": 1}}))]
    #[case(r#"{"op":"add","path":"spec/a","value":3}"#, json!({"a": 3, "spec": {"a": "x", "n": 1, "l": ["p", "q"]}}))]
    #[case(r#"{"op":"add","path":"/spec/a"}"#, json!({"spec": {"a": null, "n": 1, "l": ["p", "q"]}}))]
    #[case(r#"{"op":"add","path":"/spec/l/-1","value":"neg"}"#, json!({"spec": {"a": "x", "n": 1, "l": ["p", "q", "neg"]}}))]
    #[case(r#"{"op":"add","path":"/spec/l/-","value":"r"}"#, json!({"spec": {"a": "x", "n": 1, "l": ["p", "q", "r"]}}))]
    #[case(r#"{"op":"remove","path":"/spec/l/-1"}"#, json!({"spec": {"a": "x", "n": 1, "l": ["p"]}}))]
    #[case(r#"{"op":"move","from":"/spec/l/0","path":"/spec/a"}"#, json!({"spec": {"a": "p", "n": 1, "l": ["q"]}}))]
    #[case(r#"{"op":"copy","from":"/spec/missing","path":"/spec/a"}"#, json!({"spec": {"a": null, "n": 1, "l": ["p", "q"]}}))]
    #[case(r#"{"op":"add","path":"/spec/a~1b~0","value":1}"#, json!({"spec": {"a": "x", "a/b~": 1, "n": 1, "l": ["p", "q"]}}))]
    fn deviations_of_the_go_library_are_kept(#[case] operation: &str, #[case] expected: Value) {
        assert_eq!(patched(&format!("[{operation}]")).unwrap().object, expected);
    }

    #[test]
    fn too_many_operations_are_too_large() {
        let one = r#"{"op":"test","path":"/spec/n","value":1}"#;
        let error = patched(&format!("[{}]", vec![one; 10_001].join(","))).unwrap_err();
        assert_eq!(error.code, 413);
        assert_eq!(
            error.message,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
        );
    }

    #[test]
    fn strict_validation_reports_unknown_and_duplicate_fields() {
        let patch = r#"[{"op":"add","op":"add","path":"/spec/a","value":"1","zz":1}]"#;
        assert_eq!(
            patched(patch).unwrap().remarks,
            ["json patch duplicate field \"[0].op\"", "json patch unknown field \"[0].zz\""]
        );
    }
}
