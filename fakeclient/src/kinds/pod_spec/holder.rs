//! The holder of a Pod spec, which decides which rules apply.

/// Whose spec is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A Pod.
    Pod,
    /// A template of Pods.
    Template,
}
