//! CEL types of schemas, and names of fields in expressions.
//!
//! As in kube-apiserver 1.37, unspecified fields have no type and cannot be used in a rule. Names that are CEL keywords
//! or no identifiers are escaped (`__in__`, `a__dash__b`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::types::{Object, Type};
use crate::object::schema::structural::{AdditionalProperties, Structural, Type as SchemaType};

const KEYWORDS: [&str; 20] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// The type of the values of a schema; `None` if the schema specifies none.
pub(super) fn type_of(schema: &Structural, is_resource: bool, name: &str) -> Option<Type> {
    if schema.int_or_string {
        return Some(Type::Dyn);
    }
    Some(match schema.kind? {
        SchemaType::Boolean => Type::Bool,
        SchemaType::Integer => Type::Int,
        SchemaType::Number => Type::Double,
        SchemaType::String => match schema.format.as_deref() {
            Some("byte") => Type::Bytes,
            Some("duration") => Type::Duration,
            Some("date" | "date-time") => Type::Timestamp,
            _ => Type::String,
        },
        SchemaType::Array => Type::list(type_of(schema.items.as_deref()?, false, &format!("{name}.@idx"))?),
        SchemaType::Object => {
            if let AdditionalProperties::Schema(values) = &schema.additional {
                return Some(Type::map(Type::String, type_of(values, false, &format!("{name}.@elem"))?));
            }
            object(schema, is_resource || schema.embedded_resource, name)
        }
    })
}

fn object(schema: &Structural, is_resource: bool, name: &str) -> Type {
    let mut fields: BTreeMap<String, Type> = schema
        .properties
        .iter()
        .filter_map(|(field, s)| Some((escape(field), type_of(s, false, &format!("{name}.{field}"))?)))
        .collect();
    if is_resource {
        fields.insert("apiVersion".to_owned(), Type::String);
        fields.insert("kind".to_owned(), Type::String);
        let names = ["name", "generateName"].map(|field| (field.to_owned(), Type::String));
        let metadata = Object { name: format!("{name}.metadata"), fields: names.into() };
        fields.insert("metadata".to_owned(), Type::Object(Arc::new(metadata)));
    }
    Type::Object(Arc::new(Object { name: name.to_owned(), fields }))
}

/// The escaped name of a field in expressions.
pub(super) fn escape(field: &str) -> String {
    if KEYWORDS.contains(&field) {
        return format!("__{field}__");
    }
    field
        .replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_identifiers_are_escaped() {
        for (field, name) in [
            ("in", "__in__"),
            ("a-b", "a__dash__b"),
            ("x__y", "x__underscores__y"),
            ("a.b/c", "a__dot__b__slash__c"),
        ] {
            assert_eq!(escape(field), name);
        }
        assert_eq!(escape("self"), "self");
    }
}
