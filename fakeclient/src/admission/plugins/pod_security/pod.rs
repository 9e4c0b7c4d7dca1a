//! View of a Pod or Pod template for the checks, and the texts of violations.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::object::view::fields::FieldAccess;

/// A Pod or Pod template, and the version of the checks.
pub(super) struct Pod<'a> {
    pub(super) metadata: &'a Value,
    pub(super) spec: &'a Value,
    /// The minor release of the checks.
    pub(super) minor: u32,
}

/// A violation of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            f.write_str(self.reason)
        } else {
            write!(f, "{} ({})", self.reason, self.detail)
        }
    }
}

/// A violation, if there is a detail.
pub(super) fn violation(reason: &'static str, detail: Option<String>) -> Option<Violation> {
    detail.map(|detail| Violation { reason, detail })
}

impl<'a> Pod<'a> {
    /// All containers, in the order in which messages list them.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| spec.list(list))
    }

    /// Names of the containers that fulfil `holds`.
    pub(super) fn container_names(&self, holds: impl FnMut(&&'a Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(holds).map(|container| container.text("name")).collect()
    }

    /// The Pod's security context.
    pub(super) fn context(&self) -> &'a Value {
        &self.spec["securityContext"]
    }

    /// The Pod and containers that set a field of their security context, such as `pod and container "a"`; `None` if
    /// none does.
    pub(super) fn pod_and_containers_with(&self, mut sets: impl FnMut(&'a Value) -> bool) -> Option<String> {
        let pod = sets(self.context()).then(|| "pod".to_owned());
        let containers = self.container_names(|container| sets(&container["securityContext"]));
        let containers = (!containers.is_empty()).then(|| self::containers(&containers));
        let parts: Vec<String> = pod.into_iter().chain(containers).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// True if the Pod has its own user namespace, which relaxes some checks since 1.35.
    pub(super) fn has_user_namespace(&self) -> bool {
        self.minor >= 35 && self.spec.flag("hostUsers") == Some(false)
    }

    /// True if the Pod's OS is Windows, which lacks some fields.
    pub(super) fn is_windows(&self) -> bool {
        self.minor >= 25 && self.spec["os"].text("name") == "windows"
    }
}

/// `container "a"` or `containers "a", "b"`.
pub(super) fn containers(names: &[&str]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

/// The word, with an "s" for any count but one.
pub(super) fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// `"a", "b"`.
pub(super) fn quoted<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| format!("\"{}\"", text.as_ref())).collect();
    quoted.join(", ")
}

/// "uses" or "use", by the count.
pub(super) fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// A sorted set of texts.
pub(super) type TextSet = BTreeSet<String>;
