//! CEL validation rules of `spec.version`.

use kube::core::cel::Rule;

/// The maximum length of a version, which also bounds the estimated cost of the rules.
pub(crate) const MAX_LENGTH: u64 = 32;

/// A version is a Kubernetes release.
pub(crate) fn format_rule() -> Rule {
    Rule::new(r"self.matches('^v?1\\.[0-9]+\\.[0-9]+$')")
        .message("version must be a Kubernetes release such as 1.37.2 (a leading v is allowed)")
}

/// An upgrade moves by at most one minor release (Kubernetes' version skew policy).
///
/// A malformed version passes, since [`format_rule`] rejects it.
pub(crate) fn skew_rule() -> Rule {
    Rule::new(format!(
        "!self.matches('{RELEASE_PATTERN}') || !oldSelf.matches('{RELEASE_PATTERN}') \
         || (int(self.split('.')[1]) - int(oldSelf.split('.')[1]) in [0, 1])"
    ))
    .message("version must stay in its minor release or move up by one: minor releases are neither skipped nor undone")
}

const RELEASE_PATTERN: &str = r"^v?1\\.[0-9]+\\.[0-9]+$";
