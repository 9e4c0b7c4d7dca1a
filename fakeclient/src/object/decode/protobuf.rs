//! From Kubernetes' protobuf form to the JSON that says the same.
//!
//! A body is four bytes of magic and then a `runtime.Unknown`: what kind it is, and the kind's message. Clients
//! written in Go (kubectl, controller-runtime) send built-in kinds in it. What it means is left to the JSON decoder, so
//! that a kind has one way in. Field numbers come as data; it knows no kind by itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use super::body::unregistered;

/// What every body begins with.
const MAGIC: [u8; 4] = *b"k8s\0";

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";
const EXTENSIONS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";
const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

/// Where messages are found.
pub(crate) trait Messages {
    /// The message of a component's name, such as `io.k8s.api.core.v1.Pod`.
    fn message(&self, name: &str) -> Option<&Message>;
    /// The name of a kind's message.
    fn of_kind(&self, api_version: &str, kind: &str) -> Option<&str>;
}

/// A message's fields by number.
#[derive(Debug, Default)]
pub(crate) struct Message {
    fields: BTreeMap<u32, Field>,
}

#[derive(Debug)]
struct Field {
    /// Empty where the field's own fields stand in the parent.
    name: String,
    many: Many,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Many {
    One,
    List,
    Map,
}

#[derive(Clone, Debug)]
enum Kind {
    String,
    Bool,
    Int,
    Double,
    Bytes,
    Message(String),
}

/// Why bytes are no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Magic,
    #[error("unexpected EOF")]
    End,
    #[error("proto: illegal wireType {0}")]
    Wire(u8),
    /// The kind is known, its message is wrong; or nobody knows the kind.
    #[error("{why}")]
    Within { api_version: String, kind: String, why: String },
    #[error("proto: wrong wireType = {wire} for field {field}")]
    Type { wire: u8, field: String },
    #[error("{0} is not written as its type says")]
    Content(String),
}

type Result<T> = std::result::Result<T, ProtobufError>;

impl Message {
    /// A message of fields with number, name and type, as the generated data writes them.
    pub(crate) fn of(fields: Vec<(u32, String, String)>) -> Self {
        let field = |(number, name, text): (u32, String, String)| {
            let (many, kind) = match (text.strip_prefix("[]"), text.strip_prefix("{}")) {
                (Some(kind), _) => (Many::List, kind),
                (_, Some(kind)) => (Many::Map, kind),
                _ => (Many::One, text.as_str()),
            };
            (number, Field { name, many, kind: Kind::of(kind) })
        };
        Self { fields: fields.into_iter().map(field).collect() }
    }

    /// The names of the messages that stand in this one.
    #[cfg(test)]
    pub(crate) fn held(&self) -> impl Iterator<Item = &str> {
        self.fields.values().filter_map(|field| match &field.kind {
            Kind::Message(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Kind {
    fn of(text: &str) -> Self {
        match text {
            "string" => Self::String,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            message => Self::Message(message.trim_start_matches('.').to_owned()),
        }
    }
}

/// Whether code here, not a message's fields, says how a type is written in JSON.
#[cfg(test)]
pub(crate) fn is_special(name: &str) -> bool {
    struct None;
    impl Messages for None {
        fn message(&self, _: &str) -> Option<&Message> {
            Option::None
        }
        fn of_kind(&self, _: &str, _: &str) -> Option<&str> {
            Option::None
        }
    }
    Reader { messages: &None }.special(name, &[]).is_some()
}

/// The object of a body, as JSON.
pub(crate) fn object(bytes: &[u8], messages: &dyn Messages) -> Result<Value> {
    let unknown = parts(bytes.strip_prefix(&MAGIC).ok_or(ProtobufError::Magic)?)?;
    let header = parts(unknown.bytes(1))?;
    let (api_version, kind) = (header.text(1), header.text(2));
    let read = match messages.of_kind(&api_version, &kind) {
        Some(name) => Reader { messages }.message(name, unknown.bytes(2)).map_err(|error| error.to_string()),
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

/// A field's content on the wire.
#[derive(Clone, Copy, Debug)]
enum Part<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl Part<'_> {
    fn wire(self) -> u8 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed(_) => 1,
            Self::Bytes(_) => 2,
        }
    }
}

/// A field as Go's struct calls it: with a capital, which is right for nearly all of them.
fn go_name(name: &str) -> String {
    let (initial, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    initial.to_uppercase() + rest
}

/// The fields of one message in the order in which they came.
struct Parts<'a>(Vec<(u32, Part<'a>)>);

fn parts(mut bytes: &[u8]) -> Result<Parts<'_>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::End)?;
        let part = match tag & 7 {
            0 => Part::Varint(varint(&mut bytes)?),
            1 => Part::Fixed(u64::from_le_bytes(fixed(&mut bytes)?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ProtobufError::End)?;
                Part::Bytes(take(&mut bytes, length)?)
            }
            5 => Part::Fixed(u32::from_le_bytes(fixed(&mut bytes)?).into()),
            #[expect(clippy::cast_possible_truncation, reason = "three bits were left")]
            wire => return Err(ProtobufError::Wire(wire as u8)),
        };
        parts.push((number, part));
    }
    Ok(Parts(parts))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(ProtobufError::End)?;
    *bytes = rest;
    Ok(taken)
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    Ok(take(bytes, N)?.try_into().expect("as many bytes were taken"))
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = fixed(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(ProtobufError::End)
}

impl<'a> Parts<'a> {
    /// The last content of a field: a field that comes twice counts as it came last.
    fn last(&self, number: u32) -> Option<Part<'a>> {
        self.0.iter().rev().find(|(found, _)| *found == number).map(|(_, part)| *part)
    }

    fn bytes(&self, number: u32) -> &'a [u8] {
        match self.last(number) {
            Some(Part::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    fn text(&self, number: u32) -> String {
        text(self.bytes(number))
    }

    /// Every content of a repeated field.
    fn all(&self, number: u32) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter_map(move |(found, part)| match part {
            Part::Bytes(bytes) if *found == number => Some(*bytes),
            _ => None,
        })
    }

    fn texts(&self, number: u32) -> Value {
        Value::Array(self.all(number).map(|bytes| text(bytes).into()).collect())
    }

    fn int(&self, number: u32) -> i64 {
        match self.last(number) {
            Some(Part::Varint(value)) => value.cast_signed(),
            _ => 0,
        }
    }
}

/// Go takes any bytes for a string and writes U+FFFD for what is none.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Reader<'m> {
    messages: &'m dyn Messages,
}

impl Reader<'_> {
    fn message(&self, name: &str, bytes: &[u8]) -> Result<Value> {
        if let Some(value) = self.special(name, bytes) {
            return value;
        }
        let Some(message) = self.messages.message(name) else {
            return Err(ProtobufError::Content(name.to_owned()));
        };
        let mut fields = Map::new();
        for (number, part) in parts(bytes)?.0 {
            // What another version added is left out, as Go does it.
            if let Some(field) = message.fields.get(&number) {
                self.field(field, part, &mut fields)?;
            }
        }
        if let [(_, items)] = message.fields.iter().collect::<Vec<_>>()[..]
            && items.name == "items"
            && items.many == Many::List
            && matches!(items.kind, Kind::String)
        {
            // A list of texts that Go gave a name of its own (ExtraValue, Verbs).
            return Ok(fields.remove("items").unwrap_or_else(|| json!([])));
        }
        Ok(Value::Object(fields))
    }

    fn field(&self, field: &Field, part: Part<'_>, into: &mut Map<String, Value>) -> Result<()> {
        match field.many {
            Many::One => {
                let value = self.value(field, part)?;
                match value {
                    Value::Object(inner) if field.name.is_empty() => into.extend(inner),
                    Value::Null => {}
                    value => {
                        into.insert(field.name.clone(), value);
                    }
                }
            }
            Many::List => {
                let value = self.value(field, part)?;
                let list = into.entry(&field.name).or_insert_with(|| json!([]));
                list.as_array_mut().expect("it was made a list").push(value);
            }
            Many::Map => {
                let Part::Bytes(entry) = part else {
                    return Err(ProtobufError::Type { wire: part.wire(), field: go_name(&field.name) });
                };
                let entry = parts(entry)?;
                let empty = match field.kind {
                    Kind::Bool | Kind::Int => Part::Varint(0),
                    Kind::Double => Part::Fixed(0),
                    _ => Part::Bytes(&[]),
                };
                let value = self.value(field, entry.last(2).unwrap_or(empty))?;
                let map = into.entry(&field.name).or_insert_with(|| json!({}));
                map.as_object_mut().expect("it was made a map").insert(entry.text(1), value);
            }
        }
        Ok(())
    }

    fn value(&self, field: &Field, part: Part<'_>) -> Result<Value> {
        Ok(match (&field.kind, part) {
            (Kind::String, Part::Bytes(bytes)) => text(bytes).into(),
            (Kind::Bytes, Part::Bytes(bytes)) => STANDARD.encode(bytes).into(),
            (Kind::Bool, Part::Varint(value)) => (value != 0).into(),
            (Kind::Int, Part::Varint(value)) => value.cast_signed().into(),
            (Kind::Double, Part::Fixed(bits)) => {
                Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number)
            }
            (Kind::Message(name), Part::Bytes(bytes)) => self.message(name, bytes)?,
            (_, part) => return Err(ProtobufError::Type { wire: part.wire(), field: go_name(&field.name) }),
        })
    }

    /// Types whose JSON is something else than their fields.
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

    /// A schema, or what else may stand in its place.
    fn schema_or(
        &self,
        bytes: &[u8],
        schema: u32,
        other: impl FnOnce(&Parts<'_>) -> Result<Value>,
    ) -> Result<Value> {
        let parts = parts(bytes)?;
        match parts.last(schema) {
            Some(Part::Bytes(schema)) => self.message(SCHEMA, schema),
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

/// Seconds and nanoseconds as a time; none of both is no time.
fn time(bytes: &[u8], format: &str) -> Result<Value> {
    let parts = parts(bytes)?;
    let wrong = || ProtobufError::Content("a time".to_owned());
    let nanoseconds = i32::try_from(parts.int(2)).map_err(|_| wrong())?;
    if parts.0.is_empty() {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(parts.int(1), nanoseconds).map_err(|_| wrong())?;
    Ok(time.strftime(format).to_string().into())
}

/// Nanoseconds as Go prints a duration: `1h0m0s`, `1.5s`, `20ms`.
fn duration(nanoseconds: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    let (unit, digits, name) = match all {
        0 => return "0s".to_owned(),
        1..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "µs"),
        1_000_000..SECOND => (1_000_000, 6, "ms"),
        _ => (SECOND, 9, "s"),
    };
    let point = match all % unit {
        0 => String::new(),
        rest => format!(".{rest:0digits$}").trim_end_matches('0').to_owned(),
    };
    let whole = all / unit;
    if unit < SECOND || whole < 60 {
        return format!("{sign}{whole}{point}{name}");
    }
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let hours = if hours == 0 { String::new() } else { format!("{hours}h") };
    format!("{sign}{hours}{minutes}m{seconds}{point}s")
}

/// JSON that a message carries as bytes.
fn raw(bytes: &[u8]) -> Result<Value> {
    let bytes = parts(bytes)?.bytes(1);
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| ProtobufError::Content(format!("embedded JSON ({error})")))
}

fn int_or_string(bytes: &[u8]) -> Result<Value> {
    let parts = parts(bytes)?;
    Ok(if parts.int(1) == 0 { parts.int(2).into() } else { parts.text(3).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known(BTreeMap<&'static str, Message>);

    impl Messages for Known {
        fn message(&self, name: &str) -> Option<&Message> {
            self.0.get(name)
        }

        fn of_kind(&self, api_version: &str, kind: &str) -> Option<&str> {
            (api_version == "v1" && kind == "Pod").then_some("Pod")
        }
    }

    fn known() -> Known {
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
        Known(BTreeMap::from([
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
    fn a_body_is_the_json_that_says_the_same() {
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
        assert_eq!(object(&body("Pod", &message.concat()), &known()), Ok(expected));
    }

    #[test]
    fn a_field_of_a_later_version_is_left_out() {
        let read = object(&body("Pod", &field(15, b"new")), &known());
        assert_eq!(read, Ok(json!({"apiVersion": "v1", "kind": "Pod"})));
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error_and_never_a_panic() {
        assert_eq!(object(b"{}", &known()), Err(ProtobufError::Magic));
        assert!(matches!(object(&body("Job", b""), &known()), Err(ProtobufError::Within { .. })));
        let whole = body("Pod", &field(4, &field(1, b"/data")));
        for end in MAGIC.len() + 1..whole.len() {
            assert_ne!(object(&whole[..end], &known()), object(&whole, &known()), "{end} bytes are enough");
        }
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (15, "15ns"),
            (1_500, "1.5µs"),
            (20_000_000, "20ms"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
