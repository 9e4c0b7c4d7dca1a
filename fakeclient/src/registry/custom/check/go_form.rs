//! Go structs as kube-apiserver prints them in error messages: all fields, in the order of their declaration.

use serde_json::Value;

use crate::error::field::go_json;
use crate::object::view::fields::Read;

/// The type of a field of `JSONSchemaProps`.
#[derive(Clone, Copy)]
enum Form {
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

const SCHEMA: [(&str, &str, Form); 44] = [
    ("ID", "id", Form::Text),
    ("Schema", "$schema", Form::Text),
    ("Ref", "$ref", Form::Plain),
    ("Description", "description", Form::Text),
    ("Type", "type", Form::Text),
    ("Nullable", "nullable", Form::Flag),
    ("Format", "format", Form::Text),
    ("Title", "title", Form::Text),
    ("Default", "default", Form::Plain),
    ("Maximum", "maximum", Form::Plain),
    ("ExclusiveMaximum", "exclusiveMaximum", Form::Flag),
    ("Minimum", "minimum", Form::Plain),
    ("ExclusiveMinimum", "exclusiveMinimum", Form::Flag),
    ("MaxLength", "maxLength", Form::Plain),
    ("MinLength", "minLength", Form::Plain),
    ("Pattern", "pattern", Form::Text),
    ("MaxItems", "maxItems", Form::Plain),
    ("MinItems", "minItems", Form::Plain),
    ("UniqueItems", "uniqueItems", Form::Flag),
    ("MultipleOf", "multipleOf", Form::Plain),
    ("Enum", "enum", Form::Plain),
    ("MaxProperties", "maxProperties", Form::Plain),
    ("MinProperties", "minProperties", Form::Plain),
    ("Required", "required", Form::Plain),
    ("Items", "items", Form::Items),
    ("AllOf", "allOf", Form::Schemas),
    ("OneOf", "oneOf", Form::Schemas),
    ("AnyOf", "anyOf", Form::Schemas),
    ("Not", "not", Form::Schema),
    ("Properties", "properties", Form::SchemaMap),
    ("AdditionalProperties", "additionalProperties", Form::SchemaOrBool),
    ("PatternProperties", "patternProperties", Form::SchemaMap),
    ("Dependencies", "dependencies", Form::Dependencies),
    ("AdditionalItems", "additionalItems", Form::SchemaOrBool),
    ("Definitions", "definitions", Form::SchemaMap),
    ("ExternalDocs", "externalDocs", Form::Docs),
    ("Example", "example", Form::Plain),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Form::Plain),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Form::Flag),
    ("XIntOrString", "x-kubernetes-int-or-string", Form::Flag),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Form::Plain),
    ("XListType", "x-kubernetes-list-type", Form::Plain),
    ("XMapType", "x-kubernetes-map-type", Form::Plain),
    ("XValidations", "x-kubernetes-validations", Form::Rules),
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

fn value(value: &Value, form: Form) -> String {
    match (form, value) {
        (Form::Text, value) => go_json(&value.as_str().unwrap_or_default().into()),
        (Form::Flag, value) => value.as_bool().unwrap_or(false).to_string(),
        (_, Value::Null) => "null".to_owned(),
        (Form::Plain, value) => go_json(value),
        (Form::Schema, value) => schema(value),
        (Form::Schemas, value) => list(value, schema),
        (Form::SchemaMap, Value::Object(map)) => {
            let fields = map.iter().map(|(k, v)| format!("{}:{}", go_json(&k.as_str().into()), schema(v)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        (Form::Items, Value::Array(_)) => {
            format!("{{\"Schema\":null,\"JSONSchemas\":{}}}", list(value, schema))
        }
        (Form::Items, value) => format!("{{\"Schema\":{},\"JSONSchemas\":null}}", schema(value)),
        (Form::SchemaOrBool, Value::Bool(allows)) => format!("{{\"Allows\":{allows},\"Schema\":null}}"),
        (Form::SchemaOrBool, value) => format!("{{\"Allows\":true,\"Schema\":{}}}", schema(value)),
        (Form::Dependencies, Value::Object(map)) => {
            let fields = map.iter().map(|(k, v)| {
                let form = match v {
                    Value::Array(_) => format!("{{\"Schema\":null,\"Property\":{}}}", go_json(v)),
                    v => format!("{{\"Schema\":{},\"Property\":null}}", schema(v)),
                };
                format!("{}:{form}", go_json(&k.as_str().into()))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        (Form::Docs, docs) => format!(
            "{{\"Description\":{},\"URL\":{}}}",
            go_json(&docs.text("description").into()),
            go_json(&docs.text("url").into())
        ),
        (Form::Rules, value) => list(value, rule),
        (Form::SchemaMap | Form::Dependencies, other) => go_json(other),
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
pub(super) struct Shared {
    pub(super) schema: bool,
    pub(super) subresources: bool,
    pub(super) columns: bool,
    pub(super) selectable: bool,
}

impl Shared {
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
pub(super) fn versions(versions: &[Value], shared: Shared) -> String {
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
                format!("{{\"OpenAPIV3Schema\":{}}}", value(&s["openAPIV3Schema"], Form::Schema))
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
