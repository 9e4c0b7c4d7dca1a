//! Decoding of built-in objects by their Go types: unknown fields are dropped and reported, a value of another type is
//! an error, and the result is canonical, with empty values omitted or set as by the Go type.
//!
//! The input is a body's text, or the value of a patched object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value, json};

use super::go_types::{Facts, FieldFacts, facts};
use super::shape::GoType;
use super::text::{ValueSeed, remark};
use super::type_errors::{DecodePath, map_error, type_error};
use super::{scalar, text};
use crate::object::patch::outcome::go_type;
use crate::object::quantity::Quantity;
use crate::object::schema::components::Components;
use crate::object::schema::structural::Structural;

/// The Go decoder, which determines the error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoDecoder {
    /// `encoding/json`, for bodies, JSON patches and merge patches.
    Json,
    /// The unstructured converter, for strategic merge patches.
    Map,
}

/// State and findings of decoding.
pub(crate) struct TypedDecoder<'c> {
    /// The schemas.
    pub(crate) components: &'c dyn Components,
    /// The Go decoder with the error messages.
    pub(crate) reader: GoDecoder,
    /// Unknown fields and duplicate keys, in the order of the text.
    pub(crate) remarks: Vec<String>,
    /// The first type error.
    pub(crate) failure: Option<String>,
    /// An error of a type's `UnmarshalJSON`, at which Go stops. It has precedence over a type error.
    pub(crate) abort: Option<String>,
    /// True if `fieldsV1` of managed fields is kept as JSON text, as in Go.
    pub(crate) fields_as_text: bool,
}

impl<'c> TypedDecoder<'c> {
    /// The initial state.
    pub(crate) fn new(components: &'c dyn Components, reader: GoDecoder) -> Self {
        Self { components, reader, remarks: Vec::new(), failure: None, abort: None, fields_as_text: false }
    }

    /// Decodes an object of a component. Errors are in the fields. The last of duplicate keys is used.
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        &mut self,
        component: &str,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        let root = Structural { reference: Some(component.to_owned()), ..Structural::default() };
        let components = self.components;
        let shape = GoType::of(components, &root);
        let seed = ValueDecoder { reading: self, shape, place: DecodePath::Root, named: None };
        let value = seed.deserialize(deserializer)?;
        Ok(value.unwrap_or_else(|| empty_struct(components, component)))
    }

    fn fail(&mut self, place: DecodePath<'_>, found: &str, wanted: &str) {
        if self.failure.is_none() {
            self.failure = Some(match self.reader {
                GoDecoder::Json => type_error(place, found, wanted),
                GoDecoder::Map => map_error(found, wanted),
            });
        }
    }

    fn stop(&mut self, why: String) {
        if self.abort.is_none() {
            self.abort = Some(why);
        }
    }
}

/// The value of a number, if it is an integer in any notation.
fn whole_number(number: &Number) -> Option<i64> {
    let mut value = Value::Number(number.clone());
    scalar::plain_numbers(&mut value);
    value.as_i64()
}

/// An empty list of managed fields is kept, because it resets them.
const MANAGED_FIELDS: &str = "managedFields";
const MANAGED_FIELDS_ENTRY: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry";

/// Decoder of one value. The result is `None` for null and for a value of another type.
struct ValueDecoder<'r, 'c, 'p> {
    reading: &'r mut TypedDecoder<'c>,
    shape: GoType<'p>,
    place: DecodePath<'p>,
    /// Name of the Go type, if the data contains one.
    named: Option<&'p str>,
}

impl ValueDecoder<'_, '_, '_> {
    fn wanted(&self) -> String {
        self.named.map_or_else(|| self.shape.go_name(self.reading.components), str::to_owned)
    }

    fn mismatch(self, found: &str) {
        match self.shape {
            GoType::Quantity => {
                let error = Quantity::parse("x").expect_err("a letter is no quantity");
                self.reading.stop(error.to_owned());
            }
            GoType::Time | GoType::MicroTime | GoType::IntOrString => {
                // The converter of a patched object hands such a value alone to the type's `UnmarshalJSON`.
                let place = match self.reading.reader {
                    GoDecoder::Json => self.place,
                    GoDecoder::Map => DecodePath::Root,
                };
                let error = type_error(place, found, &self.shape.go_name(self.reading.components));
                self.reading.stop(error);
            }
            _ => {
                // The converter of a patched object names the Go kind instead of the Go type.
                let wanted = match self.reading.reader {
                    GoDecoder::Map if matches!(self.shape, GoType::String) => "string".to_owned(),
                    _ => self.wanted(),
                };
                self.reading.fail(self.place, found, &wanted);
            }
        }
    }

    fn own_form(self, form: Result<String, String>) -> Option<Value> {
        match form {
            Ok(text) => Some(text.into()),
            Err(why) => {
                self.reading.stop(why);
                None
            }
        }
    }

    fn quantity(self, text: &str) -> Option<Value> {
        let read = Quantity::parse(text.trim()).map_err(str::to_owned);
        let milli = self.named.is_some_and(|name| name == "v1.ResourceList");
        self.own_form(read.map(|mut quantity| {
            if milli {
                quantity.round_up(-3);
            }
            quantity.canonical()
        }))
    }

    /// An item of `[]byte` that is written as a list of numbers.
    fn byte(&mut self, item: &Value) -> u8 {
        let found = match item {
            Value::Null => return 0,
            Value::Number(number) => {
                // The converter of a patched object drops the higher bits.
                let byte = match self.reading.reader {
                    GoDecoder::Json => number.as_u64().and_then(|n| u8::try_from(n).ok()),
                    GoDecoder::Map => whole_number(number).map(|n| n.to_le_bytes()[0]),
                };
                match byte {
                    Some(byte) => return byte,
                    None => format!("number {number}"),
                }
            }
            other => go_type(other).to_owned(),
        };
        self.reading.fail(self.place, &found, "uint8");
        0
    }

    fn number(self, number: &Number) -> Option<Value> {
        let whole = match self.reading.reader {
            GoDecoder::Json => number.as_i64(),
            GoDecoder::Map => whole_number(number),
        };
        match self.shape {
            GoType::Raw | GoType::Float => Some(Value::Number(number.clone())),
            GoType::Integer(32) | GoType::IntOrString => {
                let fits = whole.and_then(|n| i32::try_from(n).ok());
                if fits.is_none() {
                    self.mismatch(&format!("number {number}"));
                }
                fits.map(Value::from)
            }
            GoType::Integer(_) => {
                if whole.is_none() {
                    self.mismatch(&format!("number {number}"));
                }
                whole.map(Value::from)
            }
            GoType::Quantity => self.quantity(&number.to_string()),
            _ => {
                let in_full = self.reading.reader == GoDecoder::Map && matches!(self.shape, GoType::String);
                self.mismatch(&if in_full { format!("number {number}") } else { "number".to_owned() });
                None
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueDecoder<'_, '_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueDecoder<'_, '_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Option<Value>, E> {
        if matches!(self.shape, GoType::Bool | GoType::Raw) {
            return Ok(Some(value.into()));
        }
        self.mismatch("bool");
        Ok(None)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(self.number(&value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(self.number(&value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(Number::from_f64(value).and_then(|number| self.number(&number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Option<Value>, E> {
        Ok(match self.shape {
            GoType::String | GoType::IntOrString | GoType::Raw => Some(value.into()),
            GoType::Bytes => match scalar::bytes(value) {
                Ok(text) => Some(text.into()),
                Err(why) => {
                    self.reading.failure.get_or_insert(why);
                    None
                }
            },
            GoType::Quantity => self.quantity(value),
            GoType::Time => self.own_form(scalar::time(value)),
            GoType::MicroTime => self.own_form(scalar::micro_time(value)),
            _ => {
                self.mismatch("string");
                None
            }
        })
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Option<Value>, E> {
        if matches!(self.shape, GoType::String | GoType::Raw) {
            return Ok(Some(value.into()));
        }
        self.visit_str(&value)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Option<Value>, A::Error> {
        let items = match self.shape {
            GoType::List(items) => items,
            GoType::Raw => {
                return raw_list(access).map(Some);
            }
            GoType::Bytes => {
                let mut bytes = Vec::new();
                while let Some(item) = access.next_element()? {
                    bytes.push(self.byte(&item));
                }
                return Ok(Some(scalar::base64(&bytes).into()));
            }
            _ => {
                while access.next_element::<IgnoredAny>()?.is_some() {}
                self.mismatch("array");
                return Ok(None);
            }
        };
        let components = self.reading.components;
        let shape = GoType::of(components, items);
        let named = self.named.and_then(|name| name.strip_prefix("[]"));
        let mut list = Vec::new();
        loop {
            let place = DecodePath::Index { parent: &self.place, index: list.len() };
            let node = ValueDecoder { reading: &mut *self.reading, shape, place, named };
            match access.next_element_seed(node)? {
                Some(item) => list.push(item.unwrap_or_else(|| zero(components, items, shape))),
                None => return Ok(Some(Value::Array(list))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Option<Value>, A::Error> {
        match self.shape {
            GoType::Struct(component, fields) => self.structure(access, component, fields).map(Some),
            GoType::Map(values) => self.map(access, values).map(Some),
            GoType::Raw => {
                let mut duplicates = Vec::new();
                let mut fields = Map::new();
                while let Some(key) = access.next_key::<String>()? {
                    let path = text::JsonTextPath::Root;
                    let value = access.next_value_seed(ValueSeed { path, duplicates: &mut duplicates })?;
                    fields.insert(key, value);
                }
                Ok(Some(Value::Object(fields)))
            }
            _ => {
                while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                self.mismatch("object");
                Ok(None)
            }
        }
    }
}

impl ValueDecoder<'_, '_, '_> {
    fn map<'de, A: MapAccess<'de>>(self, mut access: A, values: &Structural) -> Result<Value, A::Error> {
        let components = self.reading.components;
        let shape = GoType::of(components, values);
        let named = match self.named {
            Some(name) if name.starts_with("map[") => name.split_once(']').map(|(_, value)| value),
            other => other.filter(|_| matches!(shape, GoType::Quantity)),
        };
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let place = DecodePath::Key { parent: &self.place, key: &key };
            if map.contains_key(&key) {
                remark(&mut self.reading.remarks, format!("duplicate field \"{place}\""));
            }
            let node = ValueDecoder { reading: &mut *self.reading, shape, place, named };
            let value = access.next_value_seed(node)?;
            map.insert(key, value.unwrap_or_else(|| zero(components, values, shape)));
        }
        Ok(Value::Object(map))
    }

    fn structure<'de, A: MapAccess<'de>>(
        self,
        mut access: A,
        component: &str,
        fields: &Structural,
    ) -> Result<Value, A::Error> {
        let components = self.reading.components;
        let facts = facts(component);
        let mut map = Map::new();
        // Names are those of the schema, so that an address tells them apart.
        let mut seen: Vec<&String> = Vec::new();
        while let Some(key) = access.next_key::<String>()? {
            let Some((name, field)) = fields.properties.get_key_value(&key) else {
                let place = DecodePath::Key { parent: &self.place, key: &key };
                remark(&mut self.reading.remarks, format!("unknown field \"{place}\""));
                access.next_value::<IgnoredAny>()?;
                continue;
            };
            let fact = facts.get(name);
            let place = DecodePath::Field {
                parent: &self.place,
                name,
                owner: component,
                embedded: fact.and_then(|f| f.embedded.as_deref()),
            };
            if seen.iter().any(|other| std::ptr::eq(*other, name)) {
                remark(&mut self.reading.remarks, format!("duplicate field \"{place}\""));
            }
            seen.push(name);
            if self.reading.fields_as_text && name == "fieldsV1" && component == MANAGED_FIELDS_ENTRY {
                let text: Box<RawValue> = access.next_value()?;
                map.insert(key, text.get().into());
                continue;
            }
            let shape = GoType::of(components, field);
            let named = fact.and_then(|f| f.named.as_deref());
            let value =
                access.next_value_seed(ValueDecoder { reading: &mut *self.reading, shape, place, named })?;
            let clears = name == MANAGED_FIELDS
                && matches!(self.place, DecodePath::Field { parent: DecodePath::Root, .. });
            match value.filter(|value| clears || is_printed(value, shape, fact)) {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        fill(components, fields, facts, &mut map);
        Ok(Value::Object(map))
    }
}

/// True if Go prints the value, false if it omits it as empty.
fn is_printed(value: &Value, shape: GoType<'_>, fact: Option<&FieldFacts>) -> bool {
    if fact.is_some_and(|f| f.pointer) || matches!(shape, GoType::Struct(..) | GoType::Raw | GoType::Quantity)
    {
        return true;
    }
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0) || matches!(shape, GoType::IntOrString),
        Value::String(text) => !text.is_empty() || matches!(shape, GoType::IntOrString),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Sets the values that Go prints for absent fields.
fn fill(components: &dyn Components, fields: &Structural, facts: &Facts, map: &mut Map<String, Value>) {
    for (name, fact) in facts {
        let Some(always) = &fact.always else {
            continue;
        };
        if map.contains_key(name) {
            continue;
        }
        let component = fields.properties.get(name).and_then(|f| f.reference.as_deref());
        let value = match component {
            Some(component) if always.is_object() => empty_struct(components, component),
            _ => always.clone(),
        };
        map.insert(name.clone(), value);
    }
}

/// An empty struct of a component, as Go prints it.
pub(crate) fn empty_struct(components: &dyn Components, component: &str) -> Value {
    let mut map = Map::new();
    if let Some(fields) = components.component(component) {
        fill(components, fields, facts(component), &mut map);
    }
    Value::Object(map)
}

/// The zero value for a null in a list or map.
fn zero(components: &dyn Components, node: &Structural, shape: GoType<'_>) -> Value {
    match shape {
        GoType::Struct(component, _) => {
            let name = node.reference.as_deref().unwrap_or(component);
            empty_struct(components, name)
        }
        GoType::Map(_) | GoType::List(_) | GoType::Time | GoType::MicroTime | GoType::Raw => Value::Null,
        // Absent bytes are empty bytes after storage.
        GoType::String | GoType::Bytes => "".into(),
        GoType::Integer(_) | GoType::IntOrString | GoType::Float => 0.into(),
        GoType::Bool => false.into(),
        GoType::Quantity => json!("0"),
    }
}

fn raw_list<'de, A: SeqAccess<'de>>(mut access: A) -> Result<Value, A::Error> {
    let mut duplicates = Vec::new();
    let mut items = Vec::new();
    while let Some(item) =
        access.next_element_seed(ValueSeed { path: text::JsonTextPath::Root, duplicates: &mut duplicates })?
    {
        items.push(item);
    }
    Ok(Value::Array(items))
}
