//! Schema of a resource: a built-in component, or the schema of a custom resource.

use std::sync::Arc;

use super::structural::Structural;

/// Schema of a resource, by which objects are decoded, pruned, defaulted and validated.
#[derive(Clone, Debug)]
pub(crate) enum ResourceSchema {
    /// A built-in kind: an OpenAPI component, decoded as its Go type.
    Builtin {
        /// Component name, such as `io.k8s.api.apps.v1.Deployment`.
        component: String,
    },
    /// A custom resource: a structural schema.
    Custom {
        /// The version's `openAPIV3Schema`.
        schema: Arc<Structural>,
    },
}
