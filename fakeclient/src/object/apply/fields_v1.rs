//! `fieldsV1`: the serialised form of a field set.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::field_set::FieldSet;
use super::path_element::PathElement;

/// Parses a decoded `fieldsV1`.
pub(crate) fn read(fields: &Value) -> Result<FieldSet, String> {
    FieldSet::deserialize(fields).map_err(|why| why.to_string())
}

/// The set as the text of a `fieldsV1`: what its serialisation gives, made faster.
pub(crate) fn text(set: &FieldSet) -> String {
    let mut text = String::with_capacity(512);
    write_level(set, false, &mut String::new(), &mut text);
    text
}

fn write_level(set: &FieldSet, own: bool, key: &mut String, text: &mut String) {
    text.push('{');
    let nodes = set.nodes();
    if own && !nodes.is_empty() {
        text.push_str("\".\":{}");
    }
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 || own {
            text.push(',');
        }
        key.clear();
        node.element.write(key);
        write_string(key, text);
        text.push(':');
        write_level(&node.children, node.member, key, text);
    }
    text.push('}');
}

/// A JSON string; few keys have something to escape.
fn write_string(value: &str, text: &mut String) {
    if value.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        text.push_str(&Value::from(value).to_string());
        return;
    }
    text.push('"');
    text.push_str(value);
    text.push('"');
}

/// The set that the text of a `fieldsV1` describes.
pub(crate) fn parse(text: &str) -> Result<FieldSet, String> {
    serde_json::from_str(text).map_err(|why| why.to_string())
}

impl Serialize for FieldSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        FieldsLevel { set: self, own: false }.serialize(serializer)
    }
}

/// One level of a set. `own` is true if the path to this level is a member, too.
struct FieldsLevel<'s> {
    set: &'s FieldSet,
    own: bool,
}

impl Serialize for FieldsLevel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nodes = self.set.nodes();
        let own = self.own && !nodes.is_empty();
        let mut map = serializer.serialize_map(Some(nodes.len() + usize::from(own)))?;
        if own {
            map.serialize_entry(".", &NOTHING)?;
        }
        let mut key = String::new();
        for node in nodes {
            key.clear();
            node.element.write(&mut key);
            map.serialize_entry(&key, &FieldsLevel { set: &node.children, own: node.member })?;
        }
        map.end()
    }
}

const NOTHING: FieldsLevel<'static> = FieldsLevel { set: &FieldSet::EMPTY, own: false };

impl<'de> Deserialize<'de> for FieldSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor).map(|(set, _)| set)
    }
}

/// Deserialises one level: the set, and true if the path to it is a member.
struct FieldsVisitor;

impl<'de> serde::de::DeserializeSeed<'de> for FieldsVisitor {
    type Value = (FieldSet, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = (FieldSet, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of path elements")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((FieldSet::default(), true))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut set = FieldSet::default();
        let mut own = false;
        while let Some(key) = access.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "." {
                own = true;
                access.next_value::<IgnoredAny>()?;
                continue;
            }
            match PathElement::parse(&key).map_err(serde::de::Error::custom)? {
                None => drop(access.next_value::<IgnoredAny>()?),
                Some(element) => {
                    let (children, member) = access.next_value_seed(Self)?;
                    set.add(element, member, children);
                }
            }
        }
        // A path without paths below is a member.
        let own = own || set.is_empty();
        Ok((set, own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_round_trip() {
        let fields = json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}},
            "f:set": {"v:\"a\"": {}},
        });
        let set = read(&fields).unwrap();
        assert_eq!(serde_json::to_value(&set).unwrap(), fields);
        assert_eq!(text(&set), serde_json::to_string(&set).unwrap());
        assert_eq!(text(&FieldSet::default()), "{}");
        assert_eq!(serde_json::from_str::<FieldSet>(&fields.to_string()).unwrap(), set);
    }

    #[test]
    fn empty_set_is_an_empty_map() {
        assert_eq!(serde_json::to_value(FieldSet::default()).unwrap(), json!({}));
        assert!(read(&json!({})).unwrap().is_empty());
        assert!(read(&json!(null)).unwrap().is_empty());
    }

    #[test]
    fn elements_of_an_unknown_type_are_ignored() {
        assert_eq!(read(&json!({"f:a": {}, "z:b": {"f:c": {}}})).unwrap(), FieldSet::of_fields(&[&["a"]]));
    }

    #[test]
    fn malformed_fields_are_an_error() {
        for fields in [json!({"a": {}}), json!({"f:a": 1}), json!([]), json!("x"), json!({"k:[]": {}})] {
            assert!(read(&fields).is_err(), "{fields}");
        }
    }
}
