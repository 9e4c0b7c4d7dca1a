//! Discovery of a cluster's kinds, and the choice of those that belong to a spec's evidence.

use kube::core::ApiResource;
use kube::discovery::{Discovery, Scope, verbs};
use kube::{Api, Client, core::DynamicObject};

use crate::failure::sentence;

/// Kinds that change all the time and explain nothing, and those that stand for others once more.
const NOISE: [(&str, &str); 4] = [
    ("coordination.k8s.io", "leases"),
    ("events.k8s.io", "events"),
    ("metrics.k8s.io", "pods"),
    ("", "endpoints"),
];

/// A kind that can be listed and watched.
#[derive(Clone, Debug)]
pub(crate) struct DiscoveredKind {
    pub(crate) resource: ApiResource,
    pub(crate) namespaced: bool,
    /// True if it has the subresource `status`.
    pub(crate) has_status: bool,
}

impl DiscoveredKind {
    /// `Machine.fleet.seatrial.dev`; without a dot for the core group.
    pub(crate) fn label(&self) -> String {
        match self.resource.group.as_str() {
            "" => self.resource.kind.clone(),
            group => format!("{}.{group}", self.resource.kind),
        }
    }

    /// `machines.fleet.seatrial.dev`, as CRDs are named.
    pub(crate) fn file_stem(&self) -> String {
        match self.resource.group.as_str() {
            "" => self.resource.plural.clone(),
            group => format!("{}.{group}", self.resource.plural),
        }
    }

    /// Its objects in a namespace, or all of them for a cluster-scoped kind.
    pub(crate) fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }

    pub(crate) fn is_event(&self) -> bool {
        self.resource.plural == "events"
    }
}

/// Every kind whose objects can be listed and watched, each in one version.
pub(crate) async fn discover(client: &Client) -> Result<Vec<DiscoveredKind>, String> {
    let discovery = match Discovery::new(client.clone()).run_aggregated().await {
        Ok(discovery) => discovery,
        // A server that is too old to tell everything at once is asked group by group.
        Err(_) => Discovery::new(client.clone()).run().await.map_err(|error| sentence(&error))?,
    };
    let mut kinds = Vec::new();
    for group in discovery.groups_alphabetical() {
        for (resource, can) in group.recommended_resources() {
            let noise = NOISE.contains(&(resource.group.as_str(), resource.plural.as_str()));
            if !noise && can.supports_operation(verbs::LIST) && can.supports_operation(verbs::WATCH) {
                let has_status = can.subresources.iter().any(|(part, _)| part.plural == "status");
                kinds.push(DiscoveredKind {
                    resource,
                    namespaced: can.scope == Scope::Namespaced,
                    has_status,
                });
            }
        }
    }
    Ok(kinds)
}
