//! Conversion of Kubernetes' protobuf encoding to JSON.
//!
//! A body has four magic bytes and a `runtime.Unknown` with the kind and its message. Clients in Go (kubectl,
//! controller-runtime) send built-in kinds in it. Only the JSON is then decoded, so that each kind has one decoder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value, json};

use super::message::{Cardinality, Field, FieldType, Messages};
use super::special::{duration, int_or_string, raw, time};
use super::wire::{MessageFields, ProtobufError, Result, WireValue, parts, text};
use crate::object::decode::body_errors::unregistered;

/// The first bytes of every body.
const MAGIC: [u8; 4] = *b"k8s\0";

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const EXTENSIONS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// True if the JSON of a type is not derived from its fields.
#[cfg(test)]
pub(crate) fn is_special(name: &str) -> bool {
    struct None;
    impl Messages for None {
        fn message(&self, _: &str) -> Option<&super::message::Message> {
            Option::None
        }
        fn of_kind(&self, _: &str, _: &str) -> Option<&str> {
            Option::None
        }
    }
    ProtobufDecoder { messages: &None }.special(name, &[]).is_some()
}

/// Decodes a body to JSON.
pub(crate) fn object(bytes: &[u8], messages: &dyn Messages) -> Result<Value> {
    let unknown = parts(bytes.strip_prefix(&MAGIC).ok_or(ProtobufError::Magic)?)?;
    let header = parts(unknown.bytes(1))?;
    let (api_version, kind) = (header.text(1), header.text(2));
    let read = match messages.of_kind(&api_version, &kind) {
        Some(name) => {
            ProtobufDecoder { messages }.message(name, unknown.bytes(2)).map_err(|error| error.to_string())
        }
        None => Err(unregistered(&kind, &api_version)),
    };
    let mut object = match read {
        Ok(object) => object,
        Err(why) => return Err(ProtobufError::Within { api_version, kind, why }),
    };
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".into(), api_version.into());
        fields.insert("kind".into(), kind.into());
    }
    Ok(object)
}

struct ProtobufDecoder<'m> {
    messages: &'m dyn Messages,
}

impl ProtobufDecoder<'_> {
    fn message(&self, name: &str, bytes: &[u8]) -> Result<Value> {
        if let Some(value) = self.special(name, bytes) {
            return value;
        }
        let Some(message) = self.messages.message(name) else {
            return Err(ProtobufError::Content(name.to_owned()));
        };
        let mut fields = Map::new();
        for (number, part) in parts(bytes)?.0 {
            // Fields of another version are dropped, as in Go.
            if let Some(field) = message.fields.get(&number) {
                self.field(field, part, &mut fields)?;
            }
        }
        if let [(_, items)] = message.fields.iter().collect::<Vec<_>>()[..]
            && items.name == "items"
            && items.many == Cardinality::List
            && matches!(items.kind, FieldType::String)
        {
            // A named list type in Go (ExtraValue, Verbs).
            return Ok(fields.remove("items").unwrap_or_else(|| json!([])));
        }
        Ok(Value::Object(fields))
    }

    fn field(&self, field: &Field, part: WireValue<'_>, into: &mut Map<String, Value>) -> Result<()> {
        match field.many {
            Cardinality::One => {
                let value = self.value(field, part)?;
                match value {
                    Value::Object(inner) if field.name.is_empty() => into.extend(inner),
                    Value::Null => {}
                    value => {
                        into.insert(field.name.clone(), value);
                    }
                }
            }
            Cardinality::List => {
                let value = self.value(field, part)?;
                let list = into.entry(&field.name).or_insert_with(|| json!([]));
                list.as_array_mut().expect("it was made a list").push(value);
            }
            Cardinality::Map => {
                let WireValue::Bytes(entry) = part else {
                    return Err(ProtobufError::Type { wire: part.wire(), field: go_name(&field.name) });
                };
                let entry = parts(entry)?;
                let empty = match field.kind {
                    FieldType::Bool | FieldType::Int => WireValue::Varint(0),
                    FieldType::Double => WireValue::Fixed(0),
                    _ => WireValue::Bytes(&[]),
                };
                let value = self.value(field, entry.last(2).unwrap_or(empty))?;
                let map = into.entry(&field.name).or_insert_with(|| json!({}));
                map.as_object_mut().expect("it was made a map").insert(entry.text(1), value);
            }
        }
        Ok(())
    }

    fn value(&self, field: &Field, part: WireValue<'_>) -> Result<Value> {
        Ok(match (&field.kind, part) {
            (FieldType::String, WireValue::Bytes(bytes)) => text(bytes).into(),
            (FieldType::Bytes, WireValue::Bytes(bytes)) => STANDARD.encode(bytes).into(),
            (FieldType::Bool, WireValue::Varint(value)) => (value != 0).into(),
            (FieldType::Int, WireValue::Varint(value)) => value.cast_signed().into(),
            (FieldType::Double, WireValue::Fixed(bits)) => {
                Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
            }
            (FieldType::Message(name), WireValue::Bytes(bytes)) => self.message(name, bytes)?,
            (_, part) => return Err(ProtobufError::Type { wire: part.wire(), field: go_name(&field.name) }),
        })
    }

    /// Decodes types whose JSON is not derived from their fields.
    fn special(&self, name: &str, bytes: &[u8]) -> Option<Result<Value>> {
        if let Some(name) = name.strip_prefix(META) {
            return match name {
                "Time" => Some(time(bytes, "%Y-%m-%dT%H:%M:%SZ")),
                "MicroTime" => Some(time(bytes, "%Y-%m-%dT%H:%M:%S.%6fZ")),
                "Duration" => Some(parts(bytes).map(|parts| duration(parts.int(1)).into())),
                "FieldsV1" => Some(raw(bytes)),
                _ => None,
            };
        }
        if let Some(name) = name.strip_prefix(EXTENSIONS) {
            return match name {
                "JSON" => Some(raw(bytes)),
                "JSONSchemaPropsOrArray" => Some(self.one_or_many(bytes)),
                "JSONSchemaPropsOrBool" => {
                    Some(self.schema_or(bytes, 2, |parts| Ok((parts.int(1) != 0).into())))
                }
                "JSONSchemaPropsOrStringArray" => Some(self.schema_or(bytes, 1, |parts| Ok(parts.texts(2)))),
                _ => None,
            };
        }
        match name {
            "io.k8s.apimachinery.pkg.api.resource.Quantity" => {
                Some(parts(bytes).map(|parts| parts.text(1).into()))
            }
            "io.k8s.apimachinery.pkg.runtime.RawExtension" => Some(raw(bytes)),
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Some(int_or_string(bytes)),
            _ => None,
        }
    }

    /// Decodes `JSONSchemaPropsOr…`: a schema or its alternative.
    fn schema_or(
        &self,
        bytes: &[u8],
        schema: u32,
        other: impl FnOnce(&MessageFields<'_>) -> Result<Value>,
    ) -> Result<Value> {
        let parts = parts(bytes)?;
        match parts.last(schema) {
            Some(WireValue::Bytes(schema)) => self.message(SCHEMA, schema),
            _ => other(&parts),
        }
    }

    fn one_or_many(&self, bytes: &[u8]) -> Result<Value> {
        self.schema_or(bytes, 1, |parts| {
            let schemas = parts.all(2).map(|bytes| self.message(SCHEMA, bytes));
            Ok(Value::Array(schemas.collect::<Result<_>>()?))
        })
    }
}

/// The Go name of a field: capitalised, which is correct for nearly all fields.
fn go_name(name: &str) -> String {
    let (initial, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    initial.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::object::decode::protobuf::Message;

    struct TestMessages(BTreeMap<&'static str, Message>);

    impl Messages for TestMessages {
        fn message(&self, name: &str) -> Option<&Message> {
            self.0.get(name)
        }

        fn of_kind(&self, api_version: &str, kind: &str) -> Option<&str> {
            (api_version == "v1" && kind == "Pod").then_some("Pod")
        }
    }

    fn test_messages() -> TestMessages {
        let message = |fields: &[(u32, &str, &str)]| {
            let owned = fields.iter().map(|(n, name, kind)| (*n, (*name).into(), (*kind).into()));
            Message::of(owned.collect())
        };
        let pod = message(&[
            (1, "name", "string"),
            (2, "labels", "{}string"),
            (3, "ports", "[].Port"),
            (4, "", ".Source"),
            (5, "cpu", ".io.k8s.apimachinery.pkg.api.resource.Quantity"),
            (6, "at", ".io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
            (7, "key", "bytes"),
            (8, "users", "[].Extra"),
        ]);
        TestMessages(BTreeMap::from([
            ("Pod", pod),
            ("Port", message(&[(1, "number", "int"), (2, "open", "bool")])),
            ("Source", message(&[(1, "path", "string")])),
            ("Extra", message(&[(1, "items", "[]string")])),
        ]))
    }

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short field");
        [&[number << 3 | 2, length], content].concat()
    }

    fn body(kind: &str, message: &[u8]) -> Vec<u8> {
        let header = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &header), field(2, message)].concat()
    }

    #[test]
    fn body_is_converted_to_equal_json() {
        let port = [&[0x08, 0x90, 0x3f], &[0x10, 0x01][..]].concat();
        let label = [field(1, b"app"), field(2, b"web")].concat();
        let minus = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let message = [
            field(1, b"a"),
            field(2, &label),
            field(3, &port),
            field(3, &minus),
            field(4, &field(1, b"/data")),
            field(5, &field(1, b"100m")),
            field(6, &[0x08, 0x80, 0xa4, 0xb2, 0xd6, 0x05]),
            field(7, b"\x00\xff"),
            field(8, &field(1, b"admin")),
        ];
        let expected = json!({
            "apiVersion": "v1", "kind": "Pod", "name": "a", "labels": {"app": "web"},
            "ports": [{"number": 8080, "open": true}, {"number": -1}],
            "path": "/data", "cpu": "100m", "at": "2018-04-10T10:29:20Z", "key": "AP8=", "users": [["admin"]],
        });
        assert_eq!(object(&body("Pod", &message.concat()), &test_messages()), Ok(expected));
    }

    #[test]
    fn unknown_field_is_dropped() {
        let read = object(&body("Pod", &field(15, b"new")), &test_messages());
        assert_eq!(read, Ok(json!({"apiVersion": "v1", "kind": "Pod"})));
    }

    #[test]
    fn malformed_bytes_are_an_error_and_never_a_panic() {
        assert_eq!(object(b"{}", &test_messages()), Err(ProtobufError::Magic));
        assert!(matches!(object(&body("Job", b""), &test_messages()), Err(ProtobufError::Within { .. })));
        let whole = body("Pod", &field(4, &field(1, b"/data")));
        for end in MAGIC.len() + 1..whole.len() {
            assert_ne!(
                object(&whole[..end], &test_messages()),
                object(&whole, &test_messages()),
                "{end} bytes are enough"
            );
        }
    }
}
