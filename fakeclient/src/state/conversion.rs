//! Conversion of objects between the version in which they are stored and that of a request, as in kube-apiserver 1.37.
//!
//! A stored custom resource gets the defaults of the version in which it is stored, which need not be today's storage
//! version. Strategy `None` then changes `apiVersion`; a webhook answers with the object. Last, the fields that the
//! other version's schema does not specify are dropped. Built-in kinds convert by their strategies.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::ClusterState;
use crate::error::ApiError;
use crate::object::go_format::shown_kind;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::schema::structural::Structural;
use crate::object::view::fields::FieldAccess;
use crate::object::view::metadata;
use crate::registry::conversion;
use crate::registry::custom::convert::ConversionWebhook;
use crate::registry::custom::{DEFINITIONS, resources};
use crate::registry::resource::Resource;
use crate::registry::webhook::WebhookCall;
use crate::store::Key;

/// Time limit of a conversion webhook (client-go's for webhooks without one).
const TIMEOUT: Duration = Duration::from_secs(30);

/// Failure of a conversion.
#[derive(Debug)]
pub(crate) enum ConversionError {
    /// The fake does not model it.
    NotModelled(ApiError),
    /// A stored object cannot be read in the version of the request.
    NotDecodable { revision: String, why: String },
    /// An object of a request cannot be stored.
    Refused(String),
}

impl From<ConversionError> for ApiError {
    fn from(error: ConversionError) -> Self {
        let message = match error {
            ConversionError::NotModelled(error) => return error,
            ConversionError::NotDecodable { revision, why } => {
                format!("object not decodable revision={revision}: {why}")
            }
            ConversionError::Refused(why) => why,
        };
        // The server gives these errors no reason.
        Self::new(500, "", message)
    }
}

impl ConversionError {
    /// The text of a read, which takes the object for corrupt. `key` is its key in etcd.
    pub(crate) fn corrupt(self, key: &str) -> String {
        let error = ApiError::from(self).message;
        format!(
            "StorageError: corrupt object, Code: 7, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: {error}"
        )
    }

    /// True if the fake does not model the conversion.
    pub(crate) fn is_not_modelled(&self) -> bool {
        matches!(self, Self::NotModelled(_))
    }
}

impl ClusterState {
    /// Converts a stored object to the version of `resource`.
    pub(crate) async fn served<'v>(
        &self,
        resource: &Resource,
        stored: &'v Value,
    ) -> Result<Cow<'v, Value>, ConversionError> {
        let ResourceSchema::Custom { schema } = &resource.schema else {
            return conversion::served(resource, stored).map_err(ConversionError::NotModelled);
        };
        let mut value = stored.clone();
        if resource.has_version_of(stored) {
            schema.apply_defaults(&mut value);
            return Ok(if value == *stored { Cow::Borrowed(stored) } else { Cow::Owned(value) });
        }
        if let Some(schema) = self.schema_of(resource, stored.text("apiVersion")) {
            schema.apply_defaults(&mut value);
        }
        let mut value = self.converted(resource, value, &resource.api_version()).await.map_err(|why| {
            let revision = metadata::text(stored, "resourceVersion").to_owned();
            ConversionError::NotDecodable { revision, why }
        })?;
        schema.prune(&mut value);
        schema.drop_nulls(&mut value);
        Ok(Cow::Owned(value))
    }

    /// Converts an object from the version of `resource` to the storage version.
    pub(crate) async fn stored(
        &self,
        resource: &Resource,
        mut object: Value,
    ) -> Result<Value, ConversionError> {
        let ResourceSchema::Custom { schema } = &resource.schema else {
            return conversion::stored(resource, object).map_err(ConversionError::NotModelled);
        };
        // Null is dropped from fields that are not nullable.
        schema.drop_nulls(&mut object);
        if resource.is_storage_version() {
            return Ok(object);
        }
        let storage = format!("{}/{}", resource.storage.group, resource.storage.version);
        let mut object =
            self.converted(resource, object, &storage).await.map_err(ConversionError::Refused)?;
        if let Some(schema) = self.schema_of(resource, &storage) {
            schema.prune(&mut object);
        }
        Ok(object)
    }

    /// A custom resource in another version, not yet pruned.
    async fn converted(
        &self,
        resource: &Resource,
        mut object: Value,
        api_version: &str,
    ) -> Result<Value, String> {
        let from = object.text("apiVersion").to_owned();
        if self.schema_of(resource, &from).is_none() {
            return Err(format!("request to convert CR from an invalid group/version: {from}"));
        }
        let Some(webhook) = resource.strategy.conversion_webhook() else {
            object["apiVersion"] = api_version.into();
            return Ok(object);
        };
        self.ask(webhook, &object, api_version).await
    }

    async fn ask(
        &self,
        webhook: &ConversionWebhook,
        object: &Value,
        api_version: &str,
    ) -> Result<Value, String> {
        let uid = self.ids.uid();
        let service = webhook.config.service.as_ref();
        let call = WebhookCall {
            config: &webhook.config,
            service_exists: service.is_none_or(|(namespace, name)| {
                self.store.snapshot().get_at("services", namespace, name).is_some()
            }),
            body: Bytes::from(webhook.review(object, api_version, &uid).to_string()),
            timeout: TIMEOUT,
        };
        let answer = self.webhooks.call(call).await.map_err(|why| {
            let kind = shown_kind(object.text("apiVersion"), object.text("kind"));
            format!("conversion webhook for {kind} failed: {why}")
        })?;
        webhook.converted(&answer, object, api_version, &uid)
    }

    /// A version of a custom resource that is defined, perhaps not served. `None` if its definition has no such version.
    pub(crate) fn defined_version(&self, resource: &Resource, api_version: &str) -> Option<Resource> {
        let version = api_version.strip_prefix(&resource.group)?.strip_prefix('/')?;
        let snapshot = self.store.snapshot();
        let definition = snapshot.get(&Key::new(DEFINITIONS, "", &resource.storage.key))?;
        resources::version(definition.value(), version)
    }

    /// The schema of a version of a custom resource, served or not. `None` if its definition has no such version.
    fn schema_of(&self, resource: &Resource, api_version: &str) -> Option<Arc<Structural>> {
        let version = api_version.strip_prefix(&resource.group)?.strip_prefix('/')?;
        let schema = |found: &Resource| match &found.schema {
            ResourceSchema::Custom { schema } => Some(Arc::clone(schema)),
            ResourceSchema::Builtin { .. } => None,
        };
        if version == resource.version {
            return schema(resource);
        }
        if let Some(served) = self.registry().resource(&resource.group, version, &resource.plural) {
            return schema(&served);
        }
        schema(&self.defined_version(resource, api_version)?)
    }
}
