//! Go structs as kube-apiserver prints them in error messages: all fields, in the order of their declaration.

use serde_json::Value;

use crate::error::field::go_json;
use crate::object::view::fields::FieldAccess;

/// The type of a field of `JSONSchemaProps`.
#[derive(Clone, Copy)]
enum GoType {
    Text,
    Flag,
    /// A pointer or a list of plain JSON; `null` if it is absent.
    Plain,
    Schema,
    Schemas,
    SchemaMap,
    Items,
    SchemaOrBool,
    Dependencies,
    Docs,
    Rules,
}

const SCHEMA: [(&str, &str, GoType); 44] = [
    ("ID", "id", GoType::Text),
    ("Schema", "$schema", GoType::Text),
    ("Ref", "$ref", GoType::Plain),
    ("Description", "description", GoType::Text),
    ("Type", "type", GoType::Text),
    ("Nullable", "nullable", GoType::Flag),
    ("Format", "format", GoType::Text),
    ("Title", "title", GoType::Text),
    ("Default", "default", GoType::Plain),
    ("Maximum", "maximum", GoType::Plain),
    ("ExclusiveMaximum", "exclusiveMaximum", GoType::Flag),
    ("Minimum", "minimum", GoType::Plain),
    ("ExclusiveMinimum", "exclusiveMinimum", GoType::Flag),
    ("MaxLength", "maxLength", GoType::Plain),
    ("MinLength", "minLength", GoType::Plain),
    ("Pattern", "pattern", GoType::Text),
    ("MaxItems", "maxItems", GoType::Plain),
    ("MinItems", "minItems", GoType::Plain),
    ("UniqueItems", "uniqueItems", GoType::Flag),
    ("MultipleOf", "multipleOf", GoType::Plain),
    ("Enum", "enum", GoType::Plain),
    ("MaxProperties", "maxProperties", GoType::Plain),
    ("MinProperties", "minProperties", GoType::Plain),
    ("Required", "required", GoType::Plain),
    ("Items", "items", GoType::Items),
    ("AllOf", "allOf", GoType::Schemas),
    ("OneOf", "oneOf", GoType::Schemas),
    ("AnyOf", "anyOf", GoType::Schemas),
    ("Not", "not", GoType::Schema),
    ("Properties", "properties", GoType::SchemaMap),
    ("AdditionalProperties", "additionalProperties", GoType::SchemaOrBool),
    ("PatternProperties", "patternProperties", GoType::SchemaMap),
    ("Dependencies", "dependencies", GoType::Dependencies),
    ("AdditionalItems", "additionalItems", GoType::SchemaOrBool),
    ("Definitions", "definitions", GoType::SchemaMap),
    ("ExternalDocs", "externalDocs", GoType::Docs),
    ("Example", "example", GoType::Plain),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", GoType::Plain),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", GoType::Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", GoType::Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", GoType::Plain),
    ("XListType", "x-kubernetes-list-type", GoType::Plain),
    ("XMapType", "x-kubernetes-map-type", GoType::Plain),
    ("XValidations", "x-kubernetes-validations", GoType::Rules),
];

/// The set fields of a schema as `(Go name, JSON name)`, in Go's order.
pub(super) fn set_fields(schema: &Value) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
    SCHEMA.iter().filter(|(_, key, _)| !is_zero(&schema[*key])).map(|(name, key, _)| (*name, *key))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A printed schema.
pub(super) fn schema(schema: &Value) -> String {
    let fields = SCHEMA.iter().map(|(name, key, form)| format!("\"{name}\":{}", value(&schema[*key], *form)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

fn value(value: &Value, form: GoType) -> String {
    match (form, value) {
        (GoType::Text, value) => go_json(&value.as_str().unwrap_or_default().into()),
        (GoType::Flag, value) => value.as_bool().unwrap_or(false).to_string(),
        (_, Value::Null) => "null".to_owned(),
        (GoType::Plain, value) => go_json(value),
        (GoType::Schema, value) => schema(value),
        (GoType::Schemas, value) => list(value, schema),
        (GoType::SchemaMap, Value::Object(map)) => {
            let fields = map.iter().map(|(k, v)| format!("{}:{}", go_json(&k.as_str().into()), schema(v)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        (GoType::Items, Value::Array(_)) => {
            format!("{{\"Schema\":null,\"JSONSchemas\":{}}}", list(value, schema))
        }
        (GoType::Items, value) => format!("{{\"Schema\":{},\"JSONSchemas\":null}}", schema(value)),
        (GoType::SchemaOrBool, Value::Bool(allows)) => format!("{{\"Allows\":{allows},\"Schema\":null}}"),
        (GoType::SchemaOrBool, value) => format!("{{\"Allows\":true,\"Schema\":{}}}", schema(value)),
        (GoType::Dependencies, Value::Object(map)) => {
            let fields = map.iter().map(|(k, v)| {
                let form = match v {
                    Value::Array(_) => format!("{{\"Schema\":null,\"Property\":{}}}", go_json(v)),
                    v => format!("{{\"Schema\":{},\"Property\":null}}", schema(v)),
                };
                format!("{}:{form}", go_json(&k.as_str().into()))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        (GoType::Docs, docs) => format!(
            "{{\"Description\":{},\"URL\":{}}}",
            go_json(&docs.text("description").into()),
            go_json(&docs.text("url").into())
        ),
        (GoType::Rules, value) => list(value, rule),
        (GoType::SchemaMap | GoType::Dependencies, other) => go_json(other),
    }
}

fn list(items: &Value, print: fn(&Value) -> String) -> String {
    let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
    format!("[{}]", items.iter().map(print).collect::<Vec<_>>().join(","))
}

/// A printed entry of `x-kubernetes-validations`.
pub(super) fn rule(rule: &Value) -> String {
    let text = |key: &str| go_json(&rule.text(key).into());
    format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        go_json(&rule["reason"]),
        text("fieldPath"),
        go_json(&rule["optionalOldSelf"]),
    )
}

/// Parts that all versions share. The server's internal type has them outside the versions, which error paths show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four parts, each shared or not by itself")]
pub(super) struct SharedParts {
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl SharedParts {
    pub(super) fn of(versions: &[Value]) -> Self {
        let all = |key: &str| {
            let set = |v: &Value| !is_zero(&v[key]);
            versions.windows(2).all(|pair| pair[0][key] == pair[1][key] || !(set(&pair[0]) || set(&pair[1])))
        };
        Self {
            schema: all("schema"),
            subresources: all("subresources"),
            columns: all("additionalPrinterColumns"),
            selectable: all("selectableFields"),
        }
    }
}

/// A printed `spec.versions`, without the shared parts.
pub(super) fn versions(versions: &[Value], shared: SharedParts) -> String {
    let printed = versions.iter().map(|version| {
        let part = |key: &str, shared: bool, print: fn(&Value) -> String| {
            if shared || is_zero(&version[key]) { "null".to_owned() } else { print(&version[key]) }
        };
        format!(
            "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{},\
             \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
            go_json(&version.text("name").into()),
            version.flag("served").unwrap_or(false),
            version.flag("storage").unwrap_or(false),
            version.flag("deprecated").unwrap_or(false),
            go_json(&version["deprecationWarning"]),
            part("schema", shared.schema, |s| {
                format!("{{\"OpenAPIV3Schema\":{}}}", value(&s["openAPIV3Schema"], GoType::Schema))
            }),
            part("subresources", shared.subresources, subresources),
            part("additionalPrinterColumns", shared.columns, |c| list(c, column)),
            part("selectableFields", shared.selectable, |f| {
                list(f, |f| format!("{{\"JSONPath\":{}}}", go_json(&f.text("jsonPath").into())))
            }),
        )
    });
    format!("[{}]", printed.collect::<Vec<_>>().join(","))
}

fn subresources(subresources: &Value) -> String {
    let scale = &subresources["scale"];
    let scale = if scale.is_object() {
        format!(
            "{{\"SpecReplicasPath\":{},\"StatusReplicasPath\":{},\"LabelSelectorPath\":{}}}",
            go_json(&scale.text("specReplicasPath").into()),
            go_json(&scale.text("statusReplicasPath").into()),
            go_json(&scale["labelSelectorPath"]),
        )
    } else {
        "null".to_owned()
    };
    let status = if subresources.has("status") { "{}" } else { "null" };
    format!("{{\"Status\":{status},\"Scale\":{scale}}}")
}

fn column(column: &Value) -> String {
    let text = |key: &str| go_json(&column.text(key).into());
    format!(
        "{{\"Name\":{},\"Type\":{},\"Format\":{},\"Description\":{},\"Priority\":{},\"JSONPath\":{}}}",
        text("name"),
        text("type"),
        text("format"),
        text("description"),
        column.number("priority").unwrap_or(0),
        text("jsonPath"),
    )
}
