//! What a namespace's labels ask of Pods: a level and the release whose rules it means, for refusing and for warning.
//!
//! What the audit log would say is seen by no client, so it is left out.

use std::fmt;

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::Read;

const PREFIX: &str = "pod-security.kubernetes.io/";
const LEVELS: [(&str, Level); 3] =
    [("privileged", Level::Privileged), ("baseline", Level::Baseline), ("restricted", Level::Restricted)];
const MODES: [&str; 3] = ["enforce", "audit", "warn"];

/// A Pod security standard, from loose to strict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    #[default]
    Privileged,
    Baseline,
    Restricted,
}

/// A standard as of one release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standard {
    pub(super) level: Level,
    /// Minor release, or [`LATEST`].
    pub(super) minor: u32,
}

/// Stands for the newest minor release that there is.
pub(super) const LATEST: u32 = u32::MAX;

impl Default for Standard {
    fn default() -> Self {
        Self { level: Level::Privileged, minor: LATEST }
    }
}

/// What a namespace asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) enforce: Standard,
    pub(super) warn: Standard,
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = LEVELS.iter().find(|(_, level)| *level == self.level).map_or("", |(name, _)| name);
        match self.minor {
            LATEST => write!(f, "{name}:latest"),
            minor => write!(f, "{name}:v1.{minor}"),
        }
    }
}

impl Policy {
    /// The policy of a namespace; who is warned of nothing else is warned of what is enforced.
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
        let enforce = Standard {
            // A level that does not exist is the strictest where it is enforced.
            level: enforced.map_or(Level::Privileged, |level| level.unwrap_or(Level::Restricted)),
            minor: minor("enforce-version"),
        };
        let mut warn = Standard {
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

/// The minor release that a label names, if it names one.
fn version(text: &str) -> Option<u32> {
    if text == "latest" {
        return Some(LATEST);
    }
    let minor = text.strip_prefix("v1.")?;
    let plain = minor.bytes().all(|b| b.is_ascii_digit()) && (minor == "0" || !minor.starts_with('0'));
    if plain { minor.parse().ok() } else { None }
}

/// Labels that name a level or a release that does not exist.
pub(super) fn wrong_labels(namespace: &Value) -> Vec<FieldError> {
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
    fn what_is_enforced_is_warned_of_unless_something_else_is() {
        let both = policy(&[("enforce", "baseline"), ("enforce-version", "v1.30")]);
        assert_eq!((both.enforce, both.enforce.to_string()), (both.warn, "baseline:v1.30".to_owned()));
        let other = policy(&[("enforce", "baseline"), ("warn", "restricted")]);
        assert_eq!(other.warn.to_string(), "restricted:latest");
        assert_eq!(policy(&[]), Policy::default());
    }

    #[test]
    fn a_version_has_no_leading_zero() {
        assert_eq!(version("v1.0"), Some(0));
        assert_eq!(version("latest"), Some(LATEST));
        for wrong in ["v1.01", "v2.1", "1.3", "v1.", ""] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
