//! The rules that every `spec.version` obeys, in the words in which they are told to whoever breaks them.
//!
//! They are CEL beside the schema, so that any API server enforces them, operator running or not. The rule
//! for updates looks only at versions that are well formed: a malformed one has already earned its own
//! message.

use kube::core::cel::Rule;

/// The longest version accepted, which also bounds what the rules cost to evaluate.
pub(crate) const MAX_LENGTH: u64 = 32;

/// A version is a Kubernetes release.
pub(crate) fn well_formed() -> Rule {
    Rule::new(r"self.matches('^v?1\\.[0-9]+\\.[0-9]+$')")
        .message("version must be a Kubernetes release such as 1.37.2 (a leading v is allowed)")
}

/// Versions move up, one minor release at a time (Kubernetes' version skew policy).
pub(crate) fn one_minor_up() -> Rule {
    Rule::new(format!(
        "!self.matches('{WELL_FORMED}') || !oldSelf.matches('{WELL_FORMED}') \
         || (int(self.split('.')[1]) - int(oldSelf.split('.')[1]) in [0, 1])"
    ))
    .message("version must stay in its minor release or move up by one: minor releases are neither skipped nor undone")
}

const WELL_FORMED: &str = r"^v?1\\.[0-9]+\\.[0-9]+$";
