//! The shape of objects: a built-in component, or the schema of a custom resource.

use std::sync::Arc;

use super::structural::Structural;

/// How an object of this resource is decoded, pruned, defaulted and validated by schema.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A built-in: the `OpenAPI` component of that name, decoded as the Go type would be.
    Builtin {
        /// Name such as `io.k8s.api.apps.v1.Deployment`.
        component: String,
    },
    /// A custom resource: its structural schema.
    Custom {
        /// The version's `openAPIV3Schema`.
        schema: Arc<Structural>,
    },
}
