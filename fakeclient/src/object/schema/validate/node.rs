//! Schemas prepared for validation: compiled patterns and resolved formats, once per version of a CRD.
//!
//! They are parsed from the raw schema, not from `Structural`, because `allOf`, `anyOf`, `oneOf` and `not` contain
//! schemas that are not structural. `walk` validates values by them.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::format::{self, Format};
use crate::object::go_regex;
use crate::object::schema::structural::Type;

/// A prepared schema.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a keyword of the schema, and they are independent"
)]
pub(crate) struct SchemaNode {
    pub(super) types: Vec<Type>,
    pub(super) nullable: bool,
    /// The format's name in the schema, if the server enforces the format.
    pub(super) format_name: Option<String>,
    pub(super) format: Option<Format>,
    pub(super) allowed: Vec<Value>,
    pub(super) minimum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_maximum: bool,
    pub(super) multiple_of: Option<f64>,
    pub(super) min_length: Option<i64>,
    pub(super) max_length: Option<i64>,
    pub(super) pattern: Option<Pattern>,
    pub(super) min_items: Option<i64>,
    pub(super) max_items: Option<i64>,
    pub(super) unique_items: bool,
    pub(super) items: Option<Box<SchemaNode>>,
    pub(super) min_properties: Option<i64>,
    pub(super) max_properties: Option<i64>,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, SchemaNode>,
    pub(super) additional: Option<Box<SchemaNode>>,
    pub(super) forbids_additional: bool,
    pub(super) all_of: Vec<SchemaNode>,
    pub(super) any_of: Vec<SchemaNode>,
    pub(super) one_of: Vec<SchemaNode>,
    pub(super) not: Option<Box<SchemaNode>>,
}

/// A `pattern` and its compiled form, or the compile error.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) source: String,
    pub(super) compiled: Result<Regex, String>,
}

impl SchemaNode {
    /// Parses a schema.
    pub(crate) fn parse(schema: &Value) -> Self {
        let mut node = Self {
            nullable: flag(schema, "nullable"),
            allowed: schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            unique_items: flag(schema, "uniqueItems"),
            items: schema.get("items").filter(|i| i.is_object()).map(|i| Box::new(Self::parse(i))),
            required: texts(schema, "required"),
            all_of: schemas(schema, "allOf"),
            any_of: schemas(schema, "anyOf"),
            one_of: schemas(schema, "oneOf"),
            not: schema.get("not").map(|n| Box::new(Self::parse(n))),
            min_items: schema.get("minItems").and_then(Value::as_i64),
            max_items: schema.get("maxItems").and_then(Value::as_i64),
            min_length: schema.get("minLength").and_then(Value::as_i64),
            max_length: schema.get("maxLength").and_then(Value::as_i64),
            min_properties: schema.get("minProperties").and_then(Value::as_i64),
            max_properties: schema.get("maxProperties").and_then(Value::as_i64),
            ..Self::default()
        };
        node.read_types(schema);
        node.read_numbers(schema);
        node.pattern = schema.get("pattern").and_then(Value::as_str).filter(|p| !p.is_empty()).map(|p| {
            let compiled = go_regex::compile(p).map_err(|e| e.to_string());
            Pattern { source: p.to_owned(), compiled }
        });
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            node.properties = properties.iter().map(|(name, s)| (name.clone(), Self::parse(s))).collect();
        }
        match schema.get("additionalProperties") {
            Some(Value::Bool(allowed)) => node.forbids_additional = !allowed,
            Some(schema @ Value::Object(_)) => node.additional = Some(Box::new(Self::parse(schema))),
            _ => {}
        }
        node
    }

    fn read_types(&mut self, schema: &Value) {
        if flag(schema, "x-kubernetes-int-or-string") {
            self.types = vec![Type::Integer, Type::String];
        } else if let Some(kind) = schema.get("type").and_then(Value::as_str).and_then(Type::parse) {
            self.types = vec![kind];
        }
        let Some(name) = schema.get("format").and_then(Value::as_str) else { return };
        if format::is_known(self.single_type(), name) {
            self.format = Format::parse(name);
            self.format_name = Some(name.to_owned());
        }
    }

    fn read_numbers(&mut self, schema: &Value) {
        let number = |key: &str| schema.get(key).and_then(Value::as_f64);
        self.minimum = number("minimum");
        self.maximum = number("maximum");
        self.multiple_of = number("multipleOf");
        self.exclusive_minimum = flag(schema, "exclusiveMinimum");
        self.exclusive_maximum = flag(schema, "exclusiveMaximum");
    }

    /// The type, if there is exactly one.
    pub(super) fn single_type(&self) -> Option<Type> {
        match self.types.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn texts(schema: &Value, key: &str) -> Vec<String> {
    let items = schema.get(key).and_then(Value::as_array);
    items.map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect()).unwrap_or_default()
}

fn schemas(schema: &Value, key: &str) -> Vec<SchemaNode> {
    let items = schema.get(key).and_then(Value::as_array);
    items.map(|items| items.iter().map(SchemaNode::parse).collect()).unwrap_or_default()
}
