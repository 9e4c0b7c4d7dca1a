//! Types of values for server-side apply, derived from schemas.
//!
//! The derivation (atomic or granular, set or list map, fields of structs) follows kube-openapi's conversion of OpenAPI
//! v3 to structured-merge-diff's schemas, Kubernetes 1.37.

use std::sync::LazyLock;

use serde_json::Value;

use crate::object::schema::components::{Components, resolve};
use crate::object::schema::structural::{AdditionalProperties, ListType, Structural, Type};

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/// `apiVersion` and `kind` of custom and embedded resources.
static TEXT: LazyLock<Structural> =
    LazyLock::new(|| Structural { kind: Some(Type::String), ..Structural::default() });

/// `metadata` of custom and embedded resources.
static METADATA: LazyLock<Structural> =
    LazyLock::new(|| Structural { reference: Some(OBJECT_META.to_owned()), ..Structural::default() });

/// The type of a value: a schema node, or one of the two types without a schema.
#[derive(Clone, Copy)]
pub(crate) struct ValueType<'s> {
    components: &'s dyn Components,
    form: TypeForm<'s>,
    /// True for `x-kubernetes-map-type: atomic` beside a reference, which has precedence over the component's.
    atomic: bool,
    /// True if an ancestor preserves unknown fields.
    preserve: bool,
}

#[derive(Clone, Copy)]
enum TypeForm<'s> {
    Node(&'s Structural),
    /// A node to which `apiVersion`, `kind` and `metadata` are added.
    Resource(&'s Structural),
    /// Any value, owned as a whole.
    Untyped,
    /// Any value: maps are granular, lists are atomic.
    Deduced,
}

/// The kinds of values that a type allows (structured-merge-diff's `Atom`).
#[derive(Clone, Copy)]
pub(super) struct Atom<'s> {
    pub(super) scalar: Option<Scalar>,
    pub(super) list: Option<List<'s>>,
    pub(super) map: Option<Map<'s>>,
}

/// Scalar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Numeric,
    String,
    Boolean,
    /// Any scalar.
    Untyped,
}

/// Identity of list items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemIdentity<'s> {
    /// None: the list is atomic.
    Atomic,
    /// The value.
    Set,
    /// These fields.
    Keys(&'s [String]),
}

/// A list type.
#[derive(Clone, Copy)]
pub(super) struct List<'s> {
    pub(super) items: ItemIdentity<'s>,
    pub(super) element: ValueType<'s>,
}

/// A map or struct type.
#[derive(Clone, Copy)]
pub(super) struct Map<'s> {
    owner: ValueType<'s>,
    fields: Option<&'s Structural>,
    resource: bool,
    pub(super) atomic: bool,
    /// Type of unnamed fields; `None` if there are none.
    pub(super) element: Option<ValueType<'s>>,
    /// True if the fields are unspecified.
    pub(super) deduced: bool,
}

impl<'s> ValueType<'s> {
    /// The type of a built-in component; `None` if it does not exist.
    pub(crate) fn component(components: &'s dyn Components, name: &str) -> Option<Self> {
        let node = components.component(name)?;
        Some(Self { components, form: TypeForm::Node(node), atomic: false, preserve: false })
    }

    /// The type of a custom resource.
    pub(crate) fn custom_resource(components: &'s dyn Components, schema: &'s Structural) -> Self {
        Self { components, form: TypeForm::Resource(schema), atomic: false, preserve: false }
    }

    fn with(self, form: TypeForm<'s>) -> Self {
        Self { form, atomic: false, ..self }
    }

    /// The type of a field, an item or a map's values.
    fn of(self, node: &'s Structural) -> Self {
        let form = if node.embedded_resource { TypeForm::Resource(node) } else { TypeForm::Node(node) };
        let inline = node.reference.is_none();
        // A component is independent of its parent.
        Self { form, atomic: !inline && node.map_atomic, preserve: self.preserve && inline, ..self }
    }

    /// The atom of the type.
    pub(super) fn resolve(self) -> Atom<'s> {
        let untyped = Some(Scalar::Untyped);
        let (node, resource) = match self.form {
            TypeForm::Untyped => {
                let list = List { items: ItemIdentity::Atomic, element: self };
                return Atom { scalar: untyped, list: Some(list), map: Some(self.deduced_map(true, self)) };
            }
            TypeForm::Deduced => {
                let list = List { items: ItemIdentity::Atomic, element: self.with(TypeForm::Untyped) };
                return Atom { scalar: untyped, list: Some(list), map: Some(self.deduced_map(false, self)) };
            }
            TypeForm::Node(node) => (node, false),
            TypeForm::Resource(node) => (node, true),
        };
        match node.reference.as_deref() {
            Some(QUANTITY) => return Atom { scalar: untyped, list: None, map: None },
            Some(RAW_EXTENSION) => return self.with(TypeForm::Untyped).resolve(),
            _ => {}
        }
        let node = resolve(self.components, node);
        let within = Self { preserve: self.preserve || node.preserve_unknown, ..self };
        match node.kind {
            Some(Type::Object) => Atom { scalar: None, list: None, map: Some(within.map_of(node, resource)) },
            Some(Type::Array) => Atom { scalar: None, list: Some(within.list_of(node)), map: None },
            Some(kind) => {
                Atom { scalar: Some(scalar_of(kind, node.format.as_deref())), list: None, map: None }
            }
            None => Atom {
                scalar: untyped,
                list: Some(within.list_of(node)),
                map: Some(within.map_of(node, resource)),
            },
        }
    }

    fn deduced_map(self, atomic: bool, element: Self) -> Map<'s> {
        Map { owner: self, fields: None, resource: false, atomic, element: Some(element), deduced: !atomic }
    }

    fn map_of(self, node: &'s Structural, resource: bool) -> Map<'s> {
        let deduced = self.with(TypeForm::Deduced);
        let unnamed = node.properties.is_empty() && !resource;
        let element = match &node.additional {
            AdditionalProperties::Schema(values) => Some(self.of(values)),
            AdditionalProperties::Allowed(true) => Some(deduced),
            AdditionalProperties::Allowed(false) => None,
            AdditionalProperties::Unset => (self.preserve || unnamed).then_some(deduced),
        };
        let is_deduced = element.is_some_and(|element| matches!(element.form, TypeForm::Deduced));
        Map {
            owner: self,
            fields: Some(node),
            resource,
            atomic: self.atomic || node.map_atomic,
            element,
            deduced: is_deduced && unnamed,
        }
    }

    fn list_of(self, node: &'s Structural) -> List<'s> {
        let items = match &node.list {
            ListType::Atomic => ItemIdentity::Atomic,
            ListType::Set => ItemIdentity::Set,
            ListType::Map(keys) => ItemIdentity::Keys(keys),
            ListType::Unset => match (node.patch_strategy.as_deref(), &node.patch_merge_key) {
                (Some("merge" | "merge,retainKeys"), Some(key)) => {
                    ItemIdentity::Keys(std::slice::from_ref(key))
                }
                (Some("merge" | "merge,retainKeys"), None) => ItemIdentity::Set,
                _ => ItemIdentity::Atomic,
            },
        };
        let element =
            node.items.as_deref().map_or_else(|| self.with(TypeForm::Untyped), |items| self.of(items));
        List { items, element }
    }
}

fn scalar_of(kind: Type, format: Option<&str>) -> Scalar {
    match (kind, format) {
        (Type::Integer | Type::Number, _) => Scalar::Numeric,
        (Type::Boolean, _) => Scalar::Boolean,
        (Type::String, None | Some("" | "byte")) => Scalar::String,
        _ => Scalar::Untyped,
    }
}

impl<'s> Map<'s> {
    /// The type of a named field.
    pub(super) fn field(&self, name: &str) -> Option<ValueType<'s>> {
        if self.resource {
            match name {
                "apiVersion" | "kind" => return Some(self.owner.of(&TEXT)),
                "metadata" => return Some(self.owner.of(&METADATA)),
                _ => {}
            }
        }
        self.fields?.properties.get(name).map(|node| self.owner.of(node))
    }

    /// The default of a named field.
    pub(super) fn default_of(&self, name: &str) -> Option<&'s Value> {
        self.fields?.properties.get(name)?.default.as_ref()
    }
}

impl Atom<'_> {
    /// The atom restricted to the kind of a value; unchanged for null and for a value of another kind.
    pub(super) fn deduce(self, value: Option<&Value>) -> Self {
        let none = Self { scalar: None, list: None, map: None };
        match value {
            Some(Value::Number(_) | Value::String(_) | Value::Bool(_)) if self.scalar.is_some() => {
                Self { scalar: self.scalar, ..none }
            }
            Some(Value::Array(_)) if self.list.is_some() => Self { list: self.list, ..none },
            Some(Value::Object(_)) if self.map.is_some() => Self { map: self.map, ..none },
            _ => self,
        }
    }

    /// True if both allow the same kinds of values.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.scalar.is_some() == other.scalar.is_some()
            && self.list.is_some() == other.list.is_some()
            && self.map.is_some() == other.map.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn atom_of<T>(schema: &Value, then: impl FnOnce(Atom<'_>) -> T) -> T {
        let components = BTreeMap::<String, Structural>::new();
        let node = Structural::parse(schema);
        then(
            ValueType {
                components: &components,
                form: TypeForm::Node(&node),
                atomic: false,
                preserve: false,
            }
            .resolve(),
        )
    }

    #[test]
    fn list_types_come_from_the_list_type_or_the_patch_strategy() {
        let items =
            |schema: Value| atom_of(&schema, |atom| format!("{:?}", atom.list.map(|list| list.items)));
        let list = |extra: Value| {
            let mut schema = json!({"type": "array", "items": {"type": "string"}});
            schema.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            schema
        };
        assert_eq!(items(list(json!({}))), "Some(Atomic)");
        assert_eq!(items(list(json!({"x-kubernetes-list-type": "set"}))), "Some(Set)");
        let map = json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"]});
        assert_eq!(items(list(map)), "Some(Keys([\"a\", \"b\"]))");
        let merged = json!({"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"});
        assert_eq!(items(list(merged)), "Some(Keys([\"name\"]))");
    }

    #[test]
    fn unknown_fields_are_allowed_if_an_ancestor_preserves_them() {
        let closed =
            json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {}}}}});
        let allows = |atom: Atom<'_>| {
            let below = atom.map.unwrap().field("a").unwrap().resolve();
            (atom.map.unwrap().element.is_some(), below.map.unwrap().element.is_some())
        };
        assert_eq!(atom_of(&closed, allows), (false, false));
        let mut open = closed;
        open["x-kubernetes-preserve-unknown-fields"] = true.into();
        assert_eq!(atom_of(&open, allows), (true, true));
    }

    #[test]
    fn atom_is_deduced_from_the_value() {
        let of = |value: Value| {
            atom_of(&json!({"x-kubernetes-int-or-string": true}), |atom| {
                let atom = atom.deduce(Some(&value));
                (atom.scalar.is_some(), atom.list.is_some(), atom.map.is_some())
            })
        };
        assert_eq!(of(json!(1)), (true, false, false));
        assert_eq!(of(json!([])), (false, true, false));
        assert_eq!(of(json!({})), (false, false, true));
        assert_eq!(of(json!(null)), (true, true, true));
    }
}
