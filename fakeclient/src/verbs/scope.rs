//! Scope of a request: resource, namespace, name, user and the cluster's state (apiserver's `handlers.RequestScope`,
//! without HTTP).

use std::sync::Arc;

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::admission::plugins::lifecycle::NamespaceLifecycle;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::error::warnings::Warnings;
use crate::instruments::ids::Ids;
use crate::registry::resource::Resource;
use crate::registry::strategy::StoreView;
use crate::state::ClusterState;
use crate::store::{Key, Object, Snapshot};

/// A resolved request for a resource.
pub(crate) struct RequestScope {
    pub(crate) state: Arc<ClusterState>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) user: Arc<str>,
    /// Empty for cluster-scoped resources and for lists over all namespaces.
    pub(crate) namespace: String,
    /// Empty for collections, and until a name is generated.
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) warnings: Warnings,
}

impl RequestScope {
    /// The key of the named object.
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.resource.storage.key, &self.namespace, &self.name)
    }

    /// The object's key in etcd, for error messages.
    pub(crate) fn etcd_key(&self) -> String {
        self.etcd_key_of(&self.namespace, &self.name)
    }

    /// The key in etcd of another object of the resource.
    pub(crate) fn etcd_key_of(&self, namespace: &str, name: &str) -> String {
        let resource = &self.resource;
        let group = if resource.is_builtin() { String::new() } else { format!("{}/", resource.group) };
        let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        // The oldest kinds have other prefixes in etcd.
        let place = match (resource.group.as_str(), resource.plural.as_str()) {
            ("", "services") => "services/specs",
            ("", "endpoints") => "services/endpoints",
            ("", "nodes") => "minions",
            ("", "replicationcontrollers") => "controllers",
            ("networking.k8s.io", "ingresses") => "ingress",
            (_, plural) => plural,
        };
        format!("/registry/{group}{place}/{namespace}{name}")
    }

    pub(crate) fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.resource.group, &self.resource.plural, &self.name)
    }

    /// The stored object, or 404.
    pub(crate) fn stored(&self, snapshot: &Snapshot) -> Result<Arc<Object>, ApiError> {
        snapshot.get(&self.key()).cloned().ok_or_else(|| self.not_found())
    }

    /// 404 or 403 if the namespace is absent or terminating, also for creates of subresources.
    pub(crate) fn check_namespace(&self, object: &Value) -> Result<(), ApiError> {
        let snapshot = self.state.store.snapshot();
        let store_view = self.store_view(&snapshot, false);
        NamespaceLifecycle.admit(&self.attributes(Operation::Create, None, &store_view), &mut object.clone())
    }

    /// Read access to a snapshot for strategies and admission plugins.
    pub(crate) fn store_view<'s>(&'s self, snapshot: &'s Snapshot, dry_run: bool) -> SnapshotView<'s> {
        SnapshotView {
            snapshot,
            ids: &self.state.ids,
            user: &self.user,
            now: self.state.clock.seconds(),
            dry_run,
        }
    }

    /// The attributes of a write for admission plugins.
    pub(crate) fn attributes<'s>(
        &'s self,
        operation: Operation,
        old: Option<&'s Value>,
        store_view: &'s SnapshotView<'_>,
    ) -> Attributes<'s> {
        Attributes {
            operation,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            old,
            store_view,
            webhooks: Some(&*self.state.webhooks),
            warnings: &self.warnings,
        }
    }

    /// 422 for an object of the resource.
    pub(crate) fn invalid(&self, name: &str, errors: &[FieldError]) -> ApiError {
        // Objects are validated in the group of their storage: Events of both groups in core.
        let group = self.resource.storage.key.split_once('.').map_or("", |(_, group)| group);
        ApiError::invalid(group, &self.resource.kind, name, errors)
    }
}

/// Read access to one snapshot, for strategies and admission plugins.
pub(crate) struct SnapshotView<'a> {
    snapshot: &'a Snapshot,
    ids: &'a Ids,
    user: &'a str,
    /// The time of the write, as `metav1.Time` prints it.
    pub(crate) now: String,
    dry_run: bool,
}

impl StoreView for SnapshotView<'_> {
    fn get(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.snapshot.get_at(group_resource, namespace, name).map(|object| object.value())
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

    fn uid(&self) -> String {
        self.ids.uid()
    }

    fn dry_run(&self) -> bool {
        self.dry_run
    }
}
