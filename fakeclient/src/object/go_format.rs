//! Decoded values as Go's `fmt` prints them.

use serde_json::{Map, Value};

/// A value in Go's `%v` format: `map[a:1 b:[x y]]`.
pub(crate) fn printed(value: &Value) -> String {
    formatted(value, &scalar)
}

/// A value in Go's `%s` format, which complains of numbers and booleans: `%!s(int64=1)`.
pub(crate) fn printed_as_text(value: &Value) -> String {
    formatted(value, &|scalar| {
        let go_type = match scalar {
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float64",
            _ => "int64",
        };
        format!("%!s({go_type}={})", self::scalar(scalar))
    })
}

/// A map in Go's `%v` format.
pub(crate) fn printed_map(fields: &Map<String, Value>) -> String {
    map(fields, &scalar)
}

/// A list in Go's `%v` format.
pub(crate) fn printed_list(items: &[Value]) -> String {
    list(items, &scalar)
}

/// A number or boolean in Go's `%v` format: a float without its fraction if that is zero.
fn scalar(value: &Value) -> String {
    match value.as_f64() {
        Some(float) if value.is_f64() && float.fract() == 0.0 && float.abs() < 1e21 => format!("{float:.0}"),
        _ => value.to_string(),
    }
}

/// `apps/v1, Kind=Deployment`. Without a group, it begins with a slash.
pub(crate) fn shown_kind(api_version: &str, kind: &str) -> String {
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!("{slash}{api_version}, Kind={kind}")
}

/// `scalar` prints numbers and booleans.
fn formatted(value: &Value, scalar: &dyn Fn(&Value) -> String) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => map(fields, scalar),
        Value::Array(items) => list(items, scalar),
        other => scalar(other),
    }
}

fn map(fields: &Map<String, Value>, scalar: &dyn Fn(&Value) -> String) -> String {
    let parts: Vec<_> =
        fields.iter().map(|(key, value)| format!("{key}:{}", formatted(value, scalar))).collect();
    format!("map[{}]", parts.join(" "))
}

fn list(items: &[Value], scalar: &dyn Fn(&Value) -> String) -> String {
    format!("[{}]", items.iter().map(|item| formatted(item, scalar)).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_printed_as_go_prints_them() {
        let value = json!({"b": [1, "x", null, -1.0], "a": {"c": true, "d": 1.5}});
        assert_eq!(printed(&value), "map[a:map[c:true d:1.5] b:[1 x <nil> -1]]");
        assert_eq!(
            printed_as_text(&value),
            "map[a:map[c:%!s(bool=true) d:%!s(float64=1.5)] b:[%!s(int64=1) x <nil> %!s(float64=-1)]]"
        );
    }
}
