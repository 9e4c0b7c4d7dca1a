//! JSON parser that records duplicate keys.
//!
//! Go's decoder uses the last of duplicate keys and can report them; `serde_json` does not report them.

use std::fmt::{self, Write as _};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::syntax;

/// Maximum number of warnings that Go's decoder keeps.
const MAX_REMARKS: usize = 100;

/// A value, and the paths of duplicate keys in the order of the text, each path once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parsed {
    /// The value, with the last of duplicate keys.
    pub(crate) value: Value,
    /// Paths such as `spec.a` or `[0].op`.
    pub(crate) duplicates: Vec<String>,
}

/// Parses one JSON value that makes up the whole text. The error is that of Go's `encoding/json`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let lossy = String::from_utf8_lossy(bytes);
    let mut duplicates = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(&lossy);
    let seed = ValueSeed { path: JsonTextPath::Root, duplicates: &mut duplicates };
    match seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(Parsed { value, duplicates }),
        Err(error) => Err(syntax::syntax_error(bytes).unwrap_or_else(|| error.to_string())),
    }
}

/// The position of the parser, on the stack, so that it costs nothing until it is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum JsonTextPath<'p> {
    /// The root.
    Root,
    /// A key of an object.
    Key(&'p JsonTextPath<'p>, &'p str),
    /// An item of a list.
    Index(&'p JsonTextPath<'p>, usize),
}

impl fmt::Display for JsonTextPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(JsonTextPath::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Adds a unique warning, up to the limit.
pub(crate) fn remark(remarks: &mut Vec<String>, text: String) {
    if remarks.len() < MAX_REMARKS && !remarks.contains(&text) {
        remarks.push(text);
    }
}

/// The path of `key` below `path`.
pub(crate) fn below(path: JsonTextPath<'_>, key: &str) -> String {
    let mut text = String::new();
    write!(text, "{}", JsonTextPath::Key(&path, key)).expect("a String takes every text");
    text
}

/// Deserialises a value and records duplicate keys.
pub(crate) struct ValueSeed<'a> {
    /// Path of the value.
    pub(crate) path: JsonTextPath<'a>,
    /// Collects the paths of duplicate keys.
    pub(crate) duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = JsonTextPath::Index(&self.path, items.len());
            match access.next_element_seed(ValueSeed { path, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(Key(key)) = access.next_key()? {
            if fields.contains_key(&key) {
                remark(self.duplicates, below(self.path, &key));
            }
            let path = JsonTextPath::Key(&self.path, &key);
            let value = access.next_value_seed(ValueSeed { path, duplicates: self.duplicates })?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

/// An object's key. In YAML it may be a number or a boolean, including `y` and `on`.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bool<E>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<String, E> {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn last_duplicate_key_is_used_and_reported_once() {
        let parsed = parse(br#"{"a":{"b":1,"b":2,"b":3},"l":[{"x":1,"x":2}],"a":{"c":1}}"#).unwrap();
        assert_eq!(parsed.value, json!({"a": {"c": 1}, "l": [{"x": 2}]}));
        assert_eq!(parsed.duplicates, ["a.b", "l[0].x", "a"]);
    }

    #[test]
    fn invalid_utf_8_is_replaced_as_in_go() {
        assert_eq!(parse(b"\"a\xffb\"").unwrap().value, json!("a\u{fffd}b"));
    }

    #[test]
    fn text_after_the_value_is_an_error() {
        assert_eq!(parse(b"{} x").unwrap_err(), "invalid character 'x' after top-level value");
    }
}
