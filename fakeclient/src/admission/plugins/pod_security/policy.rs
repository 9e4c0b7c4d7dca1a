//! Policy of a namespace: level and version for `enforce` and `warn`, from its labels.
//!
//! `audit` is left out, because no client sees the audit log.

use std::fmt;

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::FieldAccess;

const PREFIX: &str = "pod-security.kubernetes.io/";
const LEVELS: [(&str, Level); 3] =
    [("privileged", Level::Privileged), ("baseline", Level::Baseline), ("restricted", Level::Restricted)];
const MODES: [&str; 3] = ["enforce", "audit", "warn"];

/// A level of the Pod Security Standards, from permissive to strict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    #[default]
    Privileged,
    Baseline,
    Restricted,
}

/// A level at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LevelVersion {
    pub(super) level: Level,
    /// Minor release, or [`LATEST`].
    pub(super) minor: u32,
}

/// The version `latest`.
pub(super) const LATEST: u32 = u32::MAX;

impl Default for LevelVersion {
    fn default() -> Self {
        Self { level: Level::Privileged, minor: LATEST }
    }
}

/// The policy of a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) enforce: LevelVersion,
    pub(super) warn: LevelVersion,
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LEVELS.iter().find(|(_, level)| *level == self.level).map_or("", |(name, _)| name);
        match self.minor {
            LATEST => write!(f, "{name}:latest"),
            minor => write!(f, "{name}:v1.{minor}"),
        }
    }
}

impl Policy {
    /// The policy from a namespace's labels. `warn` defaults to `enforce`.
    pub(super) fn of(namespace: &Value) -> Self {
        let labels = &namespace["metadata"]["labels"];
        let has_any =
            labels.as_object().is_some_and(|labels| labels.keys().any(|key| key.starts_with(PREFIX)));
        let label = |name: &str| {
            // Most namespaces have none of these labels.
            if has_any { labels.get(format!("{PREFIX}{name}")).and_then(Value::as_str) } else { None }
        };
        let minor = |name: &str| label(name).and_then(version).unwrap_or(LATEST);
        let enforced = label("enforce").map(level);
        let enforce = LevelVersion {
            // An unknown level is enforced as the strictest.
            level: enforced.map_or(Level::Privileged, |level| level.unwrap_or(Level::Restricted)),
            minor: minor("enforce-version"),
        };
        let mut warn = LevelVersion {
            level: label("warn").and_then(level).unwrap_or_default(),
            minor: minor("warn-version"),
        };
        if label("warn").is_none() && enforced.flatten().is_some_and(|level| level > warn.level) {
            warn.level = enforce.level;
            if label("warn-version").is_none() {
                warn.minor = enforce.minor;
            }
        }
        Self { enforce, warn }
    }
}

fn level(text: &str) -> Option<Level> {
    LEVELS.iter().find(|(name, _)| *name == text).map(|(_, level)| *level)
}

/// The minor release of a version label; `None` if it is malformed.
fn version(text: &str) -> Option<u32> {
    if text == "latest" {
        return Some(LATEST);
    }
    let minor = text.strip_prefix("v1.")?;
    let plain = minor.bytes().all(|b| b.is_ascii_digit()) && (minor == "0" || !minor.starts_with('0'));
    if plain { minor.parse().ok() } else { None }
}

/// Errors of labels with an unknown level or version.
pub(super) fn label_errors(namespace: &Value) -> Vec<FieldError> {
    let labels = &namespace["metadata"]["labels"];
    let path = Path::new("metadata.labels");
    let mut errors = Vec::new();
    for mode in MODES {
        let key = format!("{PREFIX}{mode}");
        if labels.has(&key) && level(labels.text(&key)).is_none() {
            let why = "must be one of privileged, baseline, restricted";
            errors.push(FieldError::invalid(path.key(&key), labels[&key].clone(), why));
        }
        let key = format!("{key}-version");
        if labels.has(&key) && version(labels.text(&key)).is_none() {
            let why = "must be \"latest\" or \"v1.x\"";
            errors.push(FieldError::invalid(path.key(&key), labels[&key].clone(), why));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(labels: &[(&str, &str)]) -> Policy {
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(key, value)| (format!("{PREFIX}{key}"), (*value).into())).collect();
        Policy::of(&json!({"metadata": {"labels": labels}}))
    }

    #[test]
    fn warn_defaults_to_enforce() {
        let both = policy(&[("enforce", "baseline"), ("enforce-version", "v1.30")]);
        assert_eq!((both.enforce, both.enforce.to_string()), (both.warn, "baseline:v1.30".to_owned()));
        let other = policy(&[("enforce", "baseline"), ("warn", "restricted")]);
        assert_eq!(other.warn.to_string(), "restricted:latest");
        assert_eq!(policy(&[]), Policy::default());
    }

    #[test]
    fn version_with_leading_zero_is_invalid() {
        assert_eq!(version("v1.0"), Some(0));
        assert_eq!(version("latest"), Some(LATEST));
        for wrong in ["v1.01", "v2.1", "1.3", "v1.", ""] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
