//! The parent object of a Pod spec, which decides on some rules.

/// The parent object of a Pod spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A Pod.
    Pod,
    /// A template of Pods.
    Template,
}
