//! A Pod, or a template of one, as the rules look at it, and the words in which they tell what is wrong.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::object::view::fields::Read;

/// What is looked at.
pub(super) struct Pod<'a> {
    pub(super) metadata: &'a Value,
    pub(super) spec: &'a Value,
    /// The minor release whose rules are meant.
    pub(super) minor: u32,
}

/// One broken rule.
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

/// A broken rule, if there is any detail of it.
pub(super) fn violation(reason: &'static str, detail: Option<String>) -> Option<Violation> {
    detail.map(|detail| Violation { reason, detail })
}

impl<'a> Pod<'a> {
    /// All containers, in the order in which they are told.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| spec.list(list))
    }

    /// Names of the containers for which something holds.
    pub(super) fn named(&self, holds: impl FnMut(&&'a Value) -> bool) -> Vec<&'a str> {
        self.containers().filter(holds).map(|container| container.text("name")).collect()
    }

    /// The Pod's own security context.
    pub(super) fn context(&self) -> &'a Value {
        &self.spec["securityContext"]
    }

    /// Who sets something in a security context: the Pod itself, then containers, as `pod and container "a"`; nothing
    /// where nobody does.
    pub(super) fn setters(&self, mut sets: impl FnMut(&'a Value) -> bool) -> Option<String> {
        let pod = sets(self.context()).then(|| "pod".to_owned());
        let containers = self.named(|container| sets(&container["securityContext"]));
        let containers = (!containers.is_empty()).then(|| self::containers(&containers));
        let parts: Vec<String> = pod.into_iter().chain(containers).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }

    /// Whether the Pod is in a user namespace of its own, which releases since 1.35 trust.
    pub(super) fn has_own_users(&self) -> bool {
        self.minor >= 35 && self.spec.flag("hostUsers") == Some(false)
    }

    /// Whether the Pod is for Windows, where some settings do not exist.
    pub(super) fn is_for_windows(&self) -> bool {
        self.minor >= 25 && self.spec["os"].text("name") == "windows"
    }
}

/// `container "a"` or `containers "a", "b"`.
pub(super) fn containers(names: &[&str]) -> String {
    format!("{} {}", plural("container", names.len()), quoted(names))
}

/// A word that gets an s for any count but one.
pub(super) fn plural(word: &str, count: usize) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// `"a", "b"`.
pub(super) fn quoted<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|text| format!("\"{}\"", text.as_ref())).collect();
    quoted.join(", ")
}

/// The verb for that many.
pub(super) fn uses(count: usize) -> &'static str {
    if count == 1 { "uses" } else { "use" }
}

/// Texts that were seen, each once and in order.
pub(super) type Seen = BTreeSet<String>;
