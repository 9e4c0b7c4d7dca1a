//! Path elements: a field name, the keys of a list map's item, the value of a set's item, or an index.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};
use smol_str::SmolStr;

use crate::error::field::go_quoted;

/// An element of a field path (structured-merge-diff's `PathElement`).
#[derive(Clone, Debug)]
pub(crate) enum PathElement {
    /// A field of a struct, or a key of a map.
    Field(SmolStr),
    /// The item of a list map with these keys, sorted by name.
    Key(Box<[(SmolStr, Value)]>),
    /// The item of a set.
    Value(Box<Value>),
    /// The item at an index.
    Index(i64),
}

impl PathElement {
    /// A field.
    pub(crate) fn field(name: &str) -> Self {
        Self::Field(SmolStr::new(name))
    }

    /// The item of a list map with these keys.
    pub(crate) fn key(mut keys: Vec<(SmolStr, Value)>) -> Self {
        keys.sort_by(|one, other| one.0.cmp(&other.0));
        Self::Key(keys.into())
    }

    /// Parses an element of `fieldsV1`, such as `f:spec` or `k:{"name":"main"}`. `None` for an element of an unknown
    /// type, which is ignored.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.len() < 2 {
            return Err("key must be 2 characters long:".to_owned());
        }
        if text.as_bytes()[1] != b':' {
            return Err(format!("missing colon: {text}"));
        }
        let rest = text.get(2..).unwrap_or_default();
        Ok(Some(match text.as_bytes()[0] {
            b'f' => Self::field(rest),
            b'v' => Self::Value(Box::new(serde_json::from_str(rest).map_err(|why| why.to_string())?)),
            b'k' => {
                let keys: Map<String, Value> = serde_json::from_str(rest).map_err(|why| why.to_string())?;
                Self::key(keys.into_iter().map(|(name, value)| (name.into(), value)).collect())
            }
            b'i' => Self::Index(
                rest.parse()
                    .map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", go_quoted(rest)))?,
            ),
            _ => return Ok(None),
        }))
    }

    /// Writes the element as in `fieldsV1`.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Field(name) => {
                out.push_str("f:");
                out.push_str(name);
            }
            Self::Key(keys) => {
                out.push_str("k:{");
                for (at, (name, value)) in keys.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    out.push_str(&plain(value));
                }
                out.push('}');
            }
            Self::Value(value) => {
                out.push_str("v:");
                out.push_str(&plain(value));
            }
            Self::Index(index) => {
                out.push_str("i:");
                out.push_str(&index.to_string());
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(one), Self::Field(other)) => one.cmp(other),
            (Self::Key(one), Self::Key(other)) => compare_keys(one, other),
            (Self::Value(one), Self::Value(other)) => compare_values(one, other),
            (Self::Index(one), Self::Index(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PathElement {}

/// The element in conflict messages: `.spec`, `[name="main"]`, `[="a"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                f.write_str("[")?;
                for (at, (name, value)) in keys.iter().enumerate() {
                    let comma = if at > 0 { "," } else { "" };
                    write!(f, "{comma}{name}={}", shown(value))?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={}]", shown(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A value in error messages.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => go_quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
            fields.concat()
        }
        other => plain(other),
    }
}

/// Compact JSON, in which integers have no fraction.
fn plain(value: &Value) -> String {
    let mut value = value.clone();
    crate::object::decode::scalar::plain_numbers(&mut value);
    value.to_string()
}

fn compare_keys(one: &[(SmolStr, Value)], other: &[(SmolStr, Value)]) -> Ordering {
    for ((name, value), (other_name, other_value)) in one.iter().zip(other) {
        let order = name.cmp(other_name).then_with(|| compare_values(value, other_value));
        if order != Ordering::Equal {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

/// The total order of values: numbers, strings, booleans, lists, maps, null.
fn compare_values(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare_numbers(one, other),
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::Array(one), Value::Array(other)) => {
            let pairs = one.iter().zip(other);
            let order = pairs.map(|(one, other)| compare_values(one, other)).find(|order| order.is_ne());
            order.unwrap_or_else(|| one.len().cmp(&other.len()))
        }
        (Value::Object(one), Value::Object(other)) => {
            let pairs = one.iter().zip(other);
            let order = pairs
                .map(|((name, value), (other_name, other_value))| {
                    name.cmp(other_name).then_with(|| compare_values(value, other_value))
                })
                .find(|order| order.is_ne());
            order.unwrap_or_else(|| one.len().cmp(&other.len()))
        }
        _ => rank(one).cmp(&rank(other)),
    }
}

fn compare_numbers(one: &serde_json::Number, other: &serde_json::Number) -> Ordering {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return one.cmp(&other);
    }
    let (one, other) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

/// Equality as in structured-merge-diff, in which `1` equals `1.0`.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => compare_numbers(one, other).is_eq(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((name, value), (other_name, other_value))| {
                    name == other_name && equal(value, other_value)
                })
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("f:spec", ".spec")]
    #[case("f:a.b/c", ".a.b/c")]
    #[case(r#"k:{"name":"main"}"#, r#"[name="main"]"#)]
    #[case(r#"k:{"port":80,"protocol":"TCP"}"#, r#"[port=80,protocol="TCP"]"#)]
    #[case(r#"v:"a""#, r#"[="a"]"#)]
    #[case("v:1", "[=1]")]
    #[case("i:3", "[3]")]
    fn elements_round_trip(#[case] text: &str, #[case] shown: &str) {
        let element = PathElement::parse(text).unwrap().unwrap();
        let mut written = String::new();
        element.write(&mut written);
        assert_eq!(written, text);
        assert_eq!(element.to_string(), shown);
    }

    #[test]
    fn unknown_type_is_ignored_and_malformed_text_is_an_error() {
        assert_eq!(PathElement::parse("x:1").unwrap(), None);
        for text in ["f", "fa", "k:{", "k:1", "v:", "i:x", "v:1 2"] {
            assert!(PathElement::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn elements_are_ordered_by_type_then_content() {
        let texts = [
            "f:a",
            "f:b",
            r#"k:{"a":1}"#,
            r#"k:{"a":1,"b":0}"#,
            r#"k:{"a":"x"}"#,
            "v:1",
            "v:\"a\"",
            "v:true",
            "i:1",
        ];
        let elements: Vec<_> = texts.iter().map(|text| PathElement::parse(text).unwrap().unwrap()).collect();
        let mut sorted = elements.clone();
        sorted.sort();
        assert_eq!(sorted, elements);
    }

    #[test]
    fn integers_are_equal_in_any_notation() {
        assert!(equal(&json!({"a": [1.0, 2]}), &json!({"a": [1, 2.0]})));
        assert!(!equal(&json!([1]), &json!(["1"])));
    }
}
