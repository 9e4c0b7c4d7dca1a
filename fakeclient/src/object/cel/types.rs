//! CEL types: printed form and assignability.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::enum_variant_names, reason = "CEL calls the type of a type `type`")]
pub(crate) enum Type {
    /// The type of an expression with an error.
    Error,
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Object(Arc<Object>),
    Optional(Box<Type>),
    /// The type of a type.
    Type,
    /// A type of Kubernetes' libraries, such as `net.IP`.
    Opaque(&'static str),
    /// A type parameter in a function's signature.
    Param(u8),
}

/// An object with named fields.
#[derive(Debug, PartialEq)]
pub(crate) struct Object {
    /// Name in error messages.
    pub(crate) name: String,
    /// Fields by their escaped names.
    pub(crate) fields: BTreeMap<String, Type>,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("!error!"),
            Self::Dyn => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Object(object) => f.write_str(&object.name),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Type => f.write_str("type"),
            Self::Opaque(name) => f.write_str(name),
            Self::Param(index) => write!(f, "T{index}"),
        }
    }
}

impl Type {
    pub(crate) fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    pub(crate) fn optional(inner: Self) -> Self {
        Self::Optional(Box::new(inner))
    }

    /// True for `dyn`, whose values have any type.
    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }
}

/// Bindings of type parameters in one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bindings(BTreeMap<u8, Type>);

impl Bindings {
    /// True if a value of type `given` is assignable to `wanted`. Binds type parameters.
    pub(crate) fn fits(&mut self, wanted: &Type, given: &Type) -> bool {
        match (wanted, given) {
            (Type::Param(index), given) => {
                if matches!(given, Type::Error) {
                    return false;
                }
                match self.0.get(index).cloned() {
                    None => {
                        self.0.insert(*index, given.clone());
                        true
                    }
                    Some(bound) if bound.is_dyn() => true,
                    Some(bound) => {
                        given.is_dyn() || self.fits(&bound, given) || {
                            let wider = self.fits(given, &bound);
                            if wider {
                                self.0.insert(*index, given.clone());
                            }
                            wider
                        }
                    }
                }
            }
            (_, Type::Error) => false,
            (Type::List(wanted), Type::List(given)) | (Type::Optional(wanted), Type::Optional(given)) => {
                self.fits(wanted, given)
            }
            (Type::Map(wk, wv), Type::Map(gk, gv)) => self.fits(wk, gk) && self.fits(wv, gv),
            // Null is assignable to all types but plain scalars.
            (Type::Dyn, _)
            | (_, Type::Dyn)
            | (
                Type::Timestamp | Type::Duration | Type::Object(_) | Type::Opaque(_) | Type::Optional(_),
                Type::Null,
            ) => true,
            (wanted, given) => wanted == given,
        }
    }

    /// The type with its parameters replaced; an unbound parameter becomes `dyn`.
    pub(crate) fn apply(&self, result: &Type) -> Type {
        match result {
            Type::Param(index) => self.0.get(index).cloned().unwrap_or(Type::Dyn),
            Type::List(item) => Type::list(self.apply(item)),
            Type::Map(key, value) => Type::map(self.apply(key), self.apply(value)),
            Type::Optional(inner) => Type::optional(self.apply(inner)),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_parameter_is_bound_once_per_call() {
        let mut bindings = Bindings::default();
        assert!(bindings.fits(&Type::list(Type::Param(0)), &Type::list(Type::String)));
        assert!(!bindings.fits(&Type::Param(0), &Type::Int));
        assert!(bindings.fits(&Type::Param(0), &Type::Dyn));
        assert_eq!(bindings.apply(&Type::optional(Type::Param(0))).to_string(), "optional_type(string)");
    }
}
