//! CEL values, and their conversion from JSON by a schema.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::declare::escape;
use crate::object::quantity::Quantity;
use crate::object::schema::structural::{AdditionalProperties, ListType, Structural, Type as SchemaType};

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Vec<u8>),
    Timestamp(Timestamp),
    /// In nanoseconds.
    Duration(i128),
    List(Arc<[Value]>, ListEquality),
    /// Entries in insertion order, with unique keys.
    Map(Arc<Vec<(Value, Value)>>),
    Optional(Option<Box<Value>>),
    Type(&'static str),
    Ip(IpAddr),
    Cidr(IpAddr, u8),
    Quantity(Quantity),
}

/// Equality of lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListEquality {
    #[default]
    InOrder,
    /// As sets.
    AnyOrder,
    /// As maps with these keys, in any order.
    ByKeys,
}

impl Value {
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(items.into(), ListEquality::InOrder)
    }

    pub(crate) fn map(entries: Vec<(Self, Self)>) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// The name of the value's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::List(..) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Ip(_) => "net.IP",
            Self::Cidr(..) => "net.CIDR",
            Self::Quantity(_) => "kubernetes.Quantity",
        }
    }

    /// The value of a map's key.
    pub(crate) fn get(&self, key: &Self) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(k, _)| k.equals(key)).map(|(_, v)| v)
    }

    /// `==`; numbers of different types compare by value.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Ip(a), Self::Ip(b)) => a == b,
            (Self::Cidr(a, n), Self::Cidr(b, m)) => a == b && n == m,
            (Self::Quantity(a), Self::Quantity(b)) => a.compare(b) == Ordering::Equal,
            (Self::List(a, same), Self::List(b, other_same)) => {
                let by_set = *same != ListEquality::InOrder || *other_same != ListEquality::InOrder;
                a.len() == b.len()
                    && if by_set {
                        a.iter().all(|x| b.iter().any(|y| x.equals(y)))
                    } else {
                        a.iter().zip(b.iter()).all(|(x, y)| x.equals(y))
                    }
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(k, v)| other.get(k).is_some_and(|w| v.equals(w)))
            }
            (Self::Optional(a), Self::Optional(b)) => match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => a.equals(b),
                _ => false,
            },
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }

    /// The order of two values; `None` if they are not comparable.
    #[expect(clippy::cast_precision_loss, reason = "CEL compares integers with doubles as doubles")]
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Int(a), Self::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Uint(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Double(a), Self::Double(b)) => return a.partial_cmp(b),
            (Self::Int(a), Self::Double(b)) => return (*a as f64).partial_cmp(b),
            (Self::Double(a), Self::Int(b)) => return a.partial_cmp(&(*b as f64)),
            (Self::Uint(a), Self::Double(b)) => return (*a as f64).partial_cmp(b),
            (Self::Double(a), Self::Uint(b)) => return a.partial_cmp(&(*b as f64)),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => a.cmp(b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a.cmp(b),
            (Self::Duration(a), Self::Duration(b)) => a.cmp(b),
            _ => return None,
        })
    }

    /// Converts JSON by its schema. Unspecified fields are omitted.
    pub(crate) fn from_json(json: &Json, schema: &Structural, is_resource: bool) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => match (schema.kind, number.as_i64()) {
                (Some(SchemaType::Number), _) | (_, None) => {
                    Self::Double(number.as_f64().unwrap_or_default())
                }
                (_, Some(integer)) => Self::Int(integer),
            },
            Json::String(text) => from_text(text, schema.format.as_deref()),
            Json::Array(items) => {
                let item = schema.items.as_deref();
                let values = items.iter().map(|i| item.map_or(Self::Null, |s| Self::from_json(i, s, false)));
                let same = match schema.list {
                    ListType::Set => ListEquality::AnyOrder,
                    ListType::Map(_) => ListEquality::ByKeys,
                    ListType::Unset | ListType::Atomic => ListEquality::InOrder,
                };
                Self::List(values.collect(), same)
            }
            Json::Object(map) => {
                let entry = |(name, value): (&String, &Json)| {
                    if let Some(field) = schema.properties.get(name) {
                        return Some((Self::text(escape(name)), Self::from_json(value, field, false)));
                    }
                    if let AdditionalProperties::Schema(values) = &schema.additional {
                        return Some((Self::text(name.as_str()), Self::from_json(value, values, false)));
                    }
                    let is_meta = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
                    ((is_resource || schema.embedded_resource) && is_meta)
                        .then(|| (Self::text(name.as_str()), plain(value)))
                };
                Self::map(map.iter().filter_map(entry).collect())
            }
        }
    }
}

impl Value {
    /// Converts JSON without a schema.
    pub(crate) fn untyped(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Double(number.as_f64().unwrap_or_default()), Self::Int)
            }
            Json::String(text) => Self::text(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::untyped).collect()),
            Json::Object(map) => Self::map(
                map.iter().map(|(key, value)| (Self::text(key.as_str()), Self::untyped(value))).collect(),
            ),
        }
    }
}

fn plain(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::text(text.as_str()),
        Json::Object(map) => {
            Value::map(map.iter().map(|(k, v)| (Value::text(k.as_str()), plain(v))).collect())
        }
        _ => Value::Null,
    }
}

fn from_text(text: &str, format: Option<&str>) -> Value {
    use base64::Engine as _;
    let typed = match format {
        Some("byte") => base64::engine::general_purpose::STANDARD.decode(text).ok().map(Value::Bytes),
        Some("duration") => super::duration::parse_duration(text).map(Value::Duration),
        Some("date-time") => text.parse::<Timestamp>().ok().map(Value::Timestamp),
        Some("date") => format!("{text}T00:00:00Z").parse::<Timestamp>().ok().map(Value::Timestamp),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::text(text))
}
