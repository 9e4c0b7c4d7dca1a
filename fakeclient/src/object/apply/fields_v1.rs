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
