//! Structural schemas: `openAPIV3Schema` of CRDs and OpenAPI v3 components of built-in kinds.
//!
//! Built-in components reference each other by name (`reference`); custom resources have no references. This module
//! parses; `prune`, `default`, `validate` and the validation of CRDs use the result.

use std::collections::BTreeMap;

use serde_json::Value;

/// JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// `object`
    Object,
    /// `array`
    Array,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
}

/// Fields besides `properties`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum AdditionalProperties {
    /// Unspecified.
    #[default]
    Unset,
    /// `additionalProperties: true|false`
    Allowed(bool),
    /// A map with values of this schema.
    Schema(Box<Structural>),
}

/// `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListType {
    /// Unspecified, which means atomic.
    #[default]
    Unset,
    /// `atomic`: replaced as a whole.
    Atomic,
    /// `set`: unique scalars.
    Set,
    /// `map`: objects that are unique by these keys.
    Map(Vec<String>),
}

/// An entry of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidationRule {
    /// CEL expression over `self` and, in transition rules, `oldSelf`.
    pub rule: String,
    /// Error message.
    pub message: Option<String>,
    /// CEL expression of the error message.
    pub message_expression: Option<String>,
    /// Reason of the error; `FieldValueInvalid` by default.
    pub reason: Option<String>,
    /// `JSONPath` of the field in the error, relative to the rule's node.
    pub field_path: Option<String>,
    /// True if `oldSelf` is optional, so that the rule also runs on create.
    pub optional_old_self: bool,
}

/// A node of a schema.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a keyword of the schema, and they are independent"
)]
pub(crate) struct Structural {
    /// JSON type, if it is specified.
    pub kind: Option<Type>,
    /// `format`, such as `int32` or `date-time`.
    pub format: Option<String>,
    /// Specified fields.
    pub properties: BTreeMap<String, Structural>,
    /// Fields besides `properties`.
    pub additional: AdditionalProperties,
    /// Items of an array.
    pub items: Option<Box<Structural>>,
    /// Name of the referenced component.
    pub reference: Option<String>,
    /// Default of an absent field.
    pub default: Option<Value>,
    /// True if `null` is valid.
    pub nullable: bool,
    /// Required fields.
    pub required: Vec<String>,
    /// List type.
    pub list: ListType,
    /// `x-kubernetes-map-type: atomic`
    pub map_atomic: bool,
    /// `x-kubernetes-patch-strategy`, such as `merge`, `replace`, `retainKeys`, `merge,retainKeys`.
    pub patch_strategy: Option<String>,
    /// `x-kubernetes-patch-merge-key`
    pub patch_merge_key: Option<String>,
    /// `x-kubernetes-preserve-unknown-fields`
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`
    pub embedded_resource: bool,
    /// `x-kubernetes-int-or-string` (or a built-in's `format: int-or-string`)
    pub int_or_string: bool,
    /// `x-kubernetes-validations`
    pub rules: Vec<ValidationRule>,
    /// All other keywords that constrain values, unparsed, for the validator: enum, minimum, pattern, allOf, anyOf,
    /// oneOf, not, maxLength …
    pub constraints: BTreeMap<String, Value>,
}

const CONSTRAINTS: [&str; 20] = [
    "enum",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "x-kubernetes-group-version-kind",
    "x-kubernetes-unions",
];

impl Structural {
    /// Parses a schema. Keywords without effect on values (description, example …) are dropped.
    pub(crate) fn parse(schema: &Value) -> Self {
        let text = |key: &str| schema.get(key).and_then(Value::as_str).map(str::to_owned);
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut node = Self {
            kind: schema.get("type").and_then(Value::as_str).and_then(Type::parse),
            format: text("format"),
            default: schema.get("default").cloned(),
            nullable: flag("nullable"),
            required: strings(schema.get("required")),
            map_atomic: schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic"),
            patch_strategy: text("x-kubernetes-patch-strategy"),
            patch_merge_key: text("x-kubernetes-patch-merge-key"),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string")
                || schema.get("format").and_then(Value::as_str) == Some("int-or-string"),
            ..Self::default()
        };
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            node.properties = properties.iter().map(|(name, s)| (name.clone(), Self::parse(s))).collect();
        }
        node.items = schema.get("items").filter(|i| i.is_object()).map(|i| Box::new(Self::parse(i)));
        node.additional = match schema.get("additionalProperties") {
            Some(Value::Bool(allowed)) => AdditionalProperties::Allowed(*allowed),
            Some(schema @ Value::Object(_)) => AdditionalProperties::Schema(Box::new(Self::parse(schema))),
            _ => AdditionalProperties::Unset,
        };
        node.list = match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("atomic") => ListType::Atomic,
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(strings(schema.get("x-kubernetes-list-map-keys"))),
            _ => ListType::Unset,
        };
        if let Some(Value::Array(rules)) = schema.get("x-kubernetes-validations") {
            node.rules = rules.iter().map(ValidationRule::parse).collect();
        }
        node.reference = component_name(schema);
        for key in CONSTRAINTS {
            if let Some(value) = schema.get(key)
                && !(key == "allOf" && node.reference.is_some())
            {
                node.constraints.insert(key.to_owned(), value.clone());
            }
        }
        node
    }
}

/// The component in `$ref`, alone or as the single member of `allOf` (OpenAPI v3's form of a field with a default).
fn component_name(schema: &Value) -> Option<String> {
    let direct = schema.get("$ref").and_then(Value::as_str);
    let wrapped = || match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only.get("$ref").and_then(Value::as_str),
        _ => None,
    };
    let reference = direct.or_else(wrapped)?;
    Some(reference.rsplit('/').next().unwrap_or(reference).to_owned())
}

fn strings(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .map(|items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default()
}

impl Type {
    /// The name in schemas and error messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }
}

impl ValidationRule {
    fn parse(entry: &Value) -> Self {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            rule: text("rule").unwrap_or_default(),
            message: text("message"),
            message_expression: text("messageExpression"),
            reason: text("reason"),
            field_path: text("fieldPath"),
            optional_old_self: entry.get("optionalOldSelf").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}
