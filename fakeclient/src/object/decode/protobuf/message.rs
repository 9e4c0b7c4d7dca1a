//! Protobuf messages: fields by number, from generated data.

use std::collections::BTreeMap;

/// Lookup of messages.
pub(crate) trait Messages {
    /// The message of a component, such as `io.k8s.api.core.v1.Pod`.
    fn message(&self, name: &str) -> Option<&Message>;
    /// The component of a kind.
    fn of_kind(&self, api_version: &str, kind: &str) -> Option<&str>;
}

/// A message: its fields by number.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(super) fields: BTreeMap<u32, Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    /// Empty for an inlined message.
    pub(super) name: String,
    pub(super) many: Cardinality,
    pub(super) kind: FieldType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cardinality {
    One,
    List,
    Map,
}

#[derive(Clone, Debug)]
pub(super) enum FieldType {
    String,
    Bool,
    Int,
    Double,
    Bytes,
    Message(String),
}

impl Message {
    /// A message of fields with number, name and type, as in the generated data.
    pub(crate) fn of(fields: Vec<(u32, String, String)>) -> Self {
        let field = |(number, name, text): (u32, String, String)| {
            let (many, kind) = match (text.strip_prefix("[]"), text.strip_prefix("{}")) {
                (Some(kind), _) => (Cardinality::List, kind),
                (_, Some(kind)) => (Cardinality::Map, kind),
                _ => (Cardinality::One, text.as_str()),
            };
            (number, Field { name, many, kind: FieldType::of(kind) })
        };
        Self { fields: fields.into_iter().map(field).collect() }
    }

    /// Names of the nested messages.
    #[cfg(test)]
    pub(crate) fn nested_messages(&self) -> impl Iterator<Item = &str> {
        self.fields.values().filter_map(|field| match &field.kind {
            FieldType::Message(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl FieldType {
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
