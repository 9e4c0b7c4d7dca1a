//! Go types of schema nodes.

use crate::object::schema::components::{Components, resolve};
use crate::object::schema::structural::{AdditionalProperties, Structural, Type};

/// A Go type, as far as decoding and printing depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GoType<'s> {
    /// A struct: component name and fields.
    Struct(&'s str, &'s Structural),
    /// `map[string]T`
    Map(&'s Structural),
    /// `[]T`
    List(&'s Structural),
    /// `string`
    String,
    /// `[]byte`, base64 in JSON.
    Bytes,
    /// An integer with the given number of bits.
    Integer(u8),
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `intstr.IntOrString`
    IntOrString,
    /// `resource.Quantity`
    Quantity,
    /// `metav1.Time`
    Time,
    /// `metav1.MicroTime`
    MicroTime,
    /// Any JSON, unchanged.
    Raw,
}

impl<'s> GoType<'s> {
    /// The type of a node.
    pub(crate) fn of(components: &'s dyn Components, node: &'s Structural) -> Self {
        if let Some(special) = node.reference.as_deref().and_then(special) {
            return special;
        }
        let target = resolve(components, node);
        if target.int_or_string {
            return Self::IntOrString;
        }
        match (target.kind, &target.additional) {
            (Some(Type::Array), _) => target.items.as_deref().map_or(Self::Raw, Self::List),
            (Some(Type::String), _) if target.format.as_deref() == Some("byte") => Self::Bytes,
            (Some(Type::String), _) => Self::String,
            (Some(Type::Integer), _) if target.format.as_deref() == Some("int32") => Self::Integer(32),
            (Some(Type::Integer), _) => Self::Integer(64),
            (Some(Type::Number), _) => Self::Float,
            (Some(Type::Boolean), _) => Self::Bool,
            (_, AdditionalProperties::Schema(values)) => Self::Map(values),
            // A named type without fields is an empty struct in Go, and has no fields.
            (Some(Type::Object), _) if node.reference.is_some() => {
                Self::Struct(node.reference.as_deref().unwrap_or_default(), target)
            }
            _ if target.properties.is_empty() => Self::Raw,
            _ => Self::Struct(node.reference.as_deref().unwrap_or_default(), target),
        }
    }

    /// The type as Go prints it.
    pub(crate) fn go_name(self, components: &'s dyn Components) -> String {
        match self {
            Self::Struct(component, _) => {
                let mut parts = component.rsplit('.');
                let name = parts.next().unwrap_or_default();
                format!("{}.{name}", parts.next().unwrap_or_default())
            }
            Self::Map(values) => format!("map[string]{}", Self::of(components, values).go_name(components)),
            Self::List(items) => format!("[]{}", Self::of(components, items).go_name(components)),
            Self::String | Self::Time | Self::MicroTime => "string".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Integer(bits) => format!("int{bits}"),
            Self::IntOrString => "int32".to_owned(),
            Self::Float => "float64".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::Raw => "interface {}".to_owned(),
        }
    }
}

/// Components with their own decoder in Go.
fn special<'s>(reference: &str) -> Option<GoType<'s>> {
    Some(match reference {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => GoType::Quantity,
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" => GoType::Time,
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => GoType::MicroTime,
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => GoType::IntOrString,
        "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1" | "io.k8s.apimachinery.pkg.runtime.RawExtension" => {
            GoType::Raw
        }
        _ => return None,
    })
}
