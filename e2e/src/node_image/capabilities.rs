//! Capabilities that root lacks on this machine.
//!
//! Nested virtual machines and CI sandboxes take some away from root itself. What asks for one of them, even only to
//! have all, is refused; so it has to be known before. It reads what the kernel says and changes nothing.

use std::fs;

/// The capabilities by their number in the kernel (`linux/capability.h`).
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Reason why the kernel's answer cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the capabilities of this machine's root cannot be told from {path}: {reason}\n  next: this works on Linux with /proc \
     mounted; elsewhere name an image that can be pulled"
)]
pub struct CapabilitiesError {
    path: &'static str,
    reason: String,
}

/// The capabilities that the kernel knows and this machine's root lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    missing: Vec<&'static str>,
}

impl Capabilities {
    /// Those of this process's bounding set.
    pub fn of_this_process() -> Result<Self, CapabilitiesError> {
        let read = |path| {
            fs::read_to_string(path).map_err(|error| CapabilitiesError { path, reason: error.to_string() })
        };
        let last = read("/proc/sys/kernel/cap_last_cap")?;
        Self::read(&read("/proc/self/status")?, &last)
            .map_err(|reason| CapabilitiesError { path: "/proc/self/status", reason })
    }

    /// From the text of `/proc/self/status` and `/proc/sys/kernel/cap_last_cap`.
    pub fn read(status: &str, last: &str) -> Result<Self, String> {
        let set = status.lines().find_map(|line| line.strip_prefix("CapBnd:")).ok_or("no line CapBnd")?;
        let set = u64::from_str_radix(set.trim(), 16).map_err(|error| format!("CapBnd:{set}: {error}"))?;
        let last: usize =
            last.trim().parse().map_err(|error| format!("last capability {last:?}: {error}"))?;
        let known = NAMES.iter().enumerate().take(last + 1);
        Ok(Self { missing: known.filter(|(bit, _)| set >> bit & 1 == 0).map(|(_, name)| *name).collect() })
    }

    /// A machine whose root lacks these, for tests.
    #[cfg(test)]
    pub(super) fn lacking(names: &[&'static str]) -> Self {
        Self { missing: names.to_vec() }
    }

    /// True if root can do all that the kernel knows.
    pub fn are_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The missing ones as OCI specs name them (`CAP_SYS_RESOURCE`).
    pub fn missing(&self) -> impl Iterator<Item = String> {
        self.missing.iter().map(|name| format!("CAP_{name}"))
    }

    /// True if root may raise limits and lower scores.
    pub fn may_raise_limits(&self) -> bool {
        !self.missing.contains(&"SYS_RESOURCE")
    }

    /// Takes the missing ones out of a process's capabilities (`process.capabilities` in an OCI spec).
    pub fn strip(&self, capabilities: &mut serde_json::Value) {
        let missing: Vec<String> = self.missing().collect();
        let sets = capabilities.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut);
        for set in sets.filter_map(serde_json::Value::as_array_mut) {
            set.retain(|name| !missing.iter().any(|missing| name.as_str() == Some(missing)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bounding: &str) -> Capabilities {
        let status = format!("Name:\tbash\nCapInh:\t0000000000000000\nCapBnd:\t{bounding}\nCapAmb:\t0\n");
        Capabilities::read(&status, "40\n").unwrap()
    }

    #[test]
    fn a_full_set_lacks_nothing() {
        let all = read("000001ffffffffff");
        assert!(all.are_complete() && all.may_raise_limits());
    }

    #[test]
    fn the_missing_bit_is_named_as_an_oci_spec_names_it() {
        let bounded = read("000001fffeffffff");
        assert_eq!(bounded.missing().collect::<Vec<_>>(), ["CAP_SYS_RESOURCE"]);
        assert!(!bounded.may_raise_limits());
    }

    #[test]
    fn capability_unknown_to_the_kernel_is_not_missing() {
        let status = "CapBnd:\t0000003fffffffff\n";
        assert!(Capabilities::read(status, "37").unwrap().are_complete());
        assert_eq!(Capabilities::read(status, "40").unwrap().missing().count(), 3);
    }

    #[test]
    fn another_text_is_refused_with_its_reason() {
        assert_eq!(Capabilities::read("Name: x\n", "40").unwrap_err(), "no line CapBnd");
        assert!(Capabilities::read("CapBnd:\tmany\n", "40").unwrap_err().contains("CapBnd:\tmany"));
    }

    #[test]
    fn only_missing_capabilities_are_removed() {
        let mut sets = serde_json::json!({
            "bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"],
            "ambient": null,
            "effective": ["CAP_SYS_RESOURCE"],
        });
        read("000001fffeffffff").strip(&mut sets);
        assert_eq!(sets, serde_json::json!({"bounding": ["CAP_CHOWN"], "ambient": null, "effective": []}));
    }
}
