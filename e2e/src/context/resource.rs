//! Typed requests of a spec: the scope of kinds, and errors that name the request.

use std::fmt;

use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind whose objects specs can create and watch: every `k8s-openapi` kind and every
/// `#[derive(CustomResource)]` is one.
pub trait Kind:
    Resource<DynamicType = (), Scope: ScopedApi<Self>>
    + Clone
    + fmt::Debug
    + Serialize
    + DeserializeOwned
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope: ScopedApi<K>>
        + Clone
        + fmt::Debug
        + Serialize
        + DeserializeOwned
        + 'static
{
}

/// The scope of a kind: a namespaced kind's objects are looked for in the namespace, a cluster-scoped
/// kind's are not.
pub trait ScopedApi<K> {
    /// The kind's API as seen from a namespace.
    fn api(client: Client, namespace: &str) -> Api<K>;
}

impl<K> ScopedApi<K> for NamespaceResourceScope
where
    K: Resource<DynamicType = (), Scope = Self>,
{
    fn api(client: Client, namespace: &str) -> Api<K> {
        Api::namespaced(client, namespace)
    }
}

impl<K> ScopedApi<K> for ClusterResourceScope
where
    K: Resource<DynamicType = (), Scope = Self>,
{
    fn api(client: Client, _namespace: &str) -> Api<K> {
        Api::all(client)
    }
}

/// A request of a spec that the API server refused or never answered.
#[derive(Debug)]
pub struct RequestError {
    verb: &'static str,
    object: String,
    source: kube::Error,
    /// Description of the error in place of its Status.
    description: Option<String>,
}

impl RequestError {
    pub(crate) fn new(verb: &'static str, object: String, source: kube::Error) -> Self {
        Self { verb, object, source, description: None }
    }

    /// Tells the answer in these words. They begin as the Status does in a failure.
    pub(crate) fn with_description(self, description: Option<String>) -> Self {
        Self { description, ..self }
    }

    /// The Status that the API server answered with, if it answered.
    pub fn status(&self) -> Option<&kube::core::Status> {
        match &self.source {
            kube::Error::Api(status) => Some(status),
            _ => None,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {} {}", self.verb, self.object)?;
        self.description.as_ref().map_or(Ok(()), |told| write!(f, ": {told}"))
    }
}

impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
