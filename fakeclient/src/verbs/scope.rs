//! What every verb knows of its request: the resource, the place, who asks, and the forms they accept.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::admission::plugins::lifecycle::NamespaceLifecycle;
use crate::cluster::Core;
use crate::endpoint::media::Form;
use crate::endpoint::options::Query;
use crate::error::ApiError;
use crate::instruments::ids::Ids;
use crate::registry::resource::Resource;
use crate::registry::strategy::Peers;
use crate::store::{Key, Object, Snapshot};
use serde_json::Value;

/// A request for a resource, resolved.
pub(crate) struct Scope<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) resource: Arc<Resource>,
    /// Who asks.
    pub(crate) user: Arc<str>,
    /// Empty for cluster-scoped resources and for lists over all namespaces.
    pub(crate) namespace: String,
    /// Empty for collections.
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) query: Query,
    pub(crate) form: Form,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
    /// Texts of `Warning` headers that are sent whatever the request ends in.
    pub(crate) warnings: RefCell<Vec<String>>,
}

impl Scope<'_> {
    /// Where the named object is stored.
    pub(crate) fn key(&self) -> Key {
        self.key_of(&self.name)
    }

    pub(crate) fn key_of(&self, name: &str) -> Key {
        Key::new(&self.resource.storage.key, &self.namespace, name)
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.resource.group, &self.resource.plural, &self.name)
    }

    /// The stored object, or 404.
    pub(crate) fn stored(&self, snapshot: &Snapshot) -> Result<Arc<Object>, ApiError> {
        snapshot.get(&self.key()).cloned().ok_or_else(|| self.not_found())
    }

    /// 404 or 403 where the namespace is not there or is going: creates below an object ask for it, too.
    pub(crate) fn namespace_takes_more(&self, object: &Value) -> Result<(), ApiError> {
        let snapshot = self.core.store.snapshot();
        let peers = SnapshotPeers {
            snapshot: &snapshot,
            ids: &self.core.ids,
            user: &self.user,
            now: self.core.clock.seconds(),
            dry_run: false,
        };
        NamespaceLifecycle.admit(&self.attributes(Operation::Create, None, &peers), &mut object.clone())
    }

    /// What admission plugins are told of a write.
    pub(crate) fn attributes<'s>(
        &'s self,
        operation: Operation,
        old: Option<&'s Value>,
        peers: &'s SnapshotPeers<'_>,
    ) -> Attributes<'s> {
        Attributes {
            operation,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            old,
            peers,
            warnings: &self.warnings,
        }
    }

    /// 422 about this object.
    pub(crate) fn invalid(&self, name: &str, errors: &[crate::error::field::FieldError]) -> ApiError {
        // Objects are validated in the group that they are stored in: core for the Events of either.
        let group = self.resource.storage.key.split_once('.').map_or("", |(_, group)| group);
        ApiError::invalid(group, &self.resource.kind, name, errors)
    }
}

/// A snapshot seen through the strategy's eyes.
pub(crate) struct SnapshotPeers<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) ids: &'a Ids,
    pub(crate) user: &'a str,
    pub(crate) now: String,
    pub(crate) dry_run: bool,
}

impl Peers for SnapshotPeers<'_> {
    fn get(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.snapshot.get(&Key::new(group_resource, namespace, name)).map(|object| object.value())
    }

    fn list<'a>(
        &'a self,
        group_resource: &str,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
        Box::new(self.snapshot.range(group_resource, namespace, None).map(|(_, object)| object.value()))
    }

    fn pick(&self, bound: u64) -> u64 {
        self.ids.pick(bound)
    }

    fn now(&self) -> String {
        self.now.clone()
    }

    fn user(&self) -> &str {
        self.user
    }

    fn dry_run(&self) -> bool {
        self.dry_run
    }
}
