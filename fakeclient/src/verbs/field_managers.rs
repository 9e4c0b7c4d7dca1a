//! Field management of a request: manager, schema, and the object in its other versions.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::{Value, json};

use super::options::WriteOptions;
use super::scope::RequestScope;
use super::update::Part;
use crate::error::ApiError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::apply::field_manager::{Applied, ApplyError, FieldManager, Live};
use crate::object::apply::field_set::FieldSet;
use crate::object::apply::managed_fields::{ManagedFields, RequestManagedFields};
use crate::object::apply::updater::Versions;
use crate::object::apply::value_type::ValueType;
use crate::object::decode::typed::{GoDecoder, TypedDecoder, empty_struct};
use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::conversion;
use crate::registry::resource::Resource;
use crate::state::ClusterState;

/// A resource with all its versions.
struct KindVersions<'s> {
    state: &'s ClusterState,
    resource: &'s Resource,
    api_version: &'s str,
    subresource: &'s str,
    served: OnceCell<Vec<Arc<Resource>>>,
    /// A version that is defined but not served.
    defined: OnceCell<Option<Resource>>,
}

impl KindVersions<'_> {
    fn find(&self, api_version: &str) -> Option<&Resource> {
        if api_version == self.api_version {
            return Some(self.resource);
        }
        let served = self.served.get_or_init(|| self.state.registry().stored_as(&self.resource.storage.key));
        let found = served.iter().find(|other| other.api_version() == api_version).map(AsRef::as_ref);
        if found.is_some() || self.resource.is_builtin() {
            return found;
        }
        let defined = self.defined.get_or_init(|| self.state.defined_version(self.resource, api_version));
        defined.as_ref().filter(|defined| defined.api_version() == api_version)
    }
}

impl Versions for KindVersions<'_> {
    fn type_of(&self, api_version: &str) -> Result<Option<ValueType<'_>>, String> {
        if api_version.matches('/').count() > 1 {
            return Err(format!("unexpected GroupVersion string: {api_version}"));
        }
        let Some(resource) = self.find(api_version) else {
            if self.resource.is_builtin() {
                return Ok(None);
            }
            return Err(format!("request to convert CR to an invalid group/version: {api_version}"));
        };
        Ok(match &resource.schema {
            ResourceSchema::Builtin { component } => ValueType::component(&BuiltinSchemas, component),
            ResourceSchema::Custom { schema } => Some(ValueType::custom_resource(&BuiltinSchemas, schema)),
        })
    }

    fn have_go_types(&self) -> bool {
        self.resource.is_builtin()
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, String> {
        let from = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let unknown = |version: &str| format!("no corresponding type for {version}");
        let from = self.find(from).ok_or_else(|| unknown(from))?;
        let to = self.find(api_version).ok_or_else(|| unknown(api_version))?;
        if !from.is_builtin() {
            // Conversion prunes nothing: fields unknown to the other version are an error.
            if to.strategy.conversion_webhook().is_some() {
                return Err(ApiError::not_modelled("conversion webhooks in field management").message);
            }
            let mut object = object.clone();
            object["apiVersion"] = api_version.into();
            return Ok(object);
        }
        let object = typed(from, object)?;
        let stored = conversion::stored(from, object).map_err(|error| error.message)?;
        let served = conversion::served(to, &stored).map_err(|error| error.message)?;
        typed(to, &served)
    }

    fn empty(&self, api_version: &str) -> Value {
        self.find(api_version).map_or_else(|| json!({}), empty)
    }

    fn reset_fields(&self, api_version: &str) -> Option<&FieldSet> {
        // The main resource of a custom resource knows the reset fields of its own version only.
        let own = api_version == self.api_version;
        let known = own || self.resource.is_builtin() || !self.subresource.is_empty();
        self.find(api_version).filter(|_| known)?.reset_fields(self.subresource)
    }
}

/// A built-in object as its Go type serialises it, with the zero values of fields without `omitempty`.
fn typed(resource: &Resource, object: &Value) -> Result<Value, String> {
    let ResourceSchema::Builtin { component } = &resource.schema else { return Ok(object.clone()) };
    let mut reading = TypedDecoder::new(&BuiltinSchemas, GoDecoder::Map);
    let mut read = reading.read(component, object).expect("a value can always be read");
    if let Some(why) = reading.abort.or(reading.failure) {
        return Err(why);
    }
    read["apiVersion"] = resource.api_version().into();
    read["kind"] = resource.kind.as_str().into();
    Ok(read)
}

/// An empty object of the resource, as the server serialises it.
pub(crate) fn empty(resource: &Resource) -> Value {
    let mut object = match &resource.schema {
        ResourceSchema::Builtin { component } => empty_struct(&BuiltinSchemas, component),
        ResourceSchema::Custom { .. } => json!({}),
    };
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind.as_str().into();
    object
}

impl Part {
    /// The subresource that writes this part.
    pub(crate) fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
            Self::Finalize => "finalize",
        }
    }
}

/// Field managers of a resource, one per part.
pub(crate) struct FieldManagers<'s> {
    pub(crate) state: &'s ClusterState,
    pub(crate) resource: &'s Resource,
}

impl FieldManagers<'_> {
    fn with<T>(&self, part: Part, then: impl FnOnce(&FieldManager<'_>) -> T) -> T {
        let api_version = self.resource.api_version();
        let versions = KindVersions {
            state: self.state,
            resource: self.resource,
            api_version: &api_version,
            subresource: part.subresource(),
            served: OnceCell::new(),
            defined: OnceCell::new(),
        };
        then(&FieldManager {
            versions: &versions,
            api_version: &api_version,
            kind: &self.resource.kind,
            subresource: part.subresource(),
            now: &self.state.clock.seconds(),
        })
    }

    /// An object of the resource with nothing in it.
    fn empty(&self) -> &Value {
        self.resource.empty.get_or_init(|| empty(self.resource))
    }

    /// The managed fields of a new object that is created through this part of it.
    pub(crate) fn created(
        &self,
        part: Part,
        new: &Value,
        sent: RequestManagedFields,
        manager: &str,
    ) -> ManagedFields {
        let none = ManagedFields::default();
        self.updated(part, &Live { object: self.empty(), managed_fields: &none }, new, sent, manager)
    }

    /// The managed fields of a changed object.
    pub(crate) fn updated(
        &self,
        part: Part,
        live: &Live<'_>,
        new: &Value,
        sent: RequestManagedFields,
        manager: &str,
    ) -> ManagedFields {
        self.with(part, |fields| {
            let new = self.resource.strategy.for_field_management(new, fields.now);
            fields.update(live, &new, sent, manager)
        })
    }
}

impl RequestScope {
    /// The field managers of the request's resource.
    pub(crate) fn field_managers(&self) -> FieldManagers<'_> {
        FieldManagers { state: &self.state, resource: &self.resource }
    }

    /// The result of an apply to the stored object, or of a create if there is none.
    pub(crate) fn applied(
        &self,
        part: Part,
        live: Option<&Live<'_>>,
        config: &Value,
        options: &WriteOptions,
    ) -> Result<Applied, ApplyError> {
        let apply = |live: &Live<'_>| {
            self.field_managers()
                .with(part, |fields| fields.apply(live, config, &options.field_manager, options.force))
        };
        if let Some(live) = live {
            return apply(live);
        }
        let managers = self.field_managers();
        apply(&Live { object: managers.empty(), managed_fields: &ManagedFields::default() })
    }
}
