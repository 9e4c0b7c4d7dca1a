//! Inputs of a node image, and their hash.
//!
//! Everything that changes the result goes into the hash; an image carries it as a label.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The Debian release whose packages are used, whatever this machine runs: the files fit its containerd and systemd.
pub(super) const SUITE: &str = "bookworm";

/// Debian packages of a node: systemd and what it wants, what kubeadm's preflight checks and the kubelet call,
/// containerd, and the plugins for Pods' networks.
pub(super) const NODE_PACKAGES: [&str; 25] = [
    "ca-certificates",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "curl",
    "dbus",
    "ethtool",
    "hostname",
    "iproute2",
    "iptables",
    "jq",
    "kmod",
    "libseccomp2",
    "mount",
    "nftables",
    "pigz",
    "procps",
    "rsync",
    "runc",
    "socat",
    "systemd",
    "systemd-sysv",
    "tzdata",
    "util-linux",
    "xz-utils",
];

/// Debian packages of Pod images: kube-proxy calls iptables, pause is catatonit.
pub(super) const PART_PACKAGES: [&str; 4] = ["catatonit", "conntrack", "iptables", "nftables"];

/// The label that carries the hash.
pub(super) const INPUTS_LABEL: &str = "dev.seatrial.node-image.inputs";

/// Changes in code that change the result, and that no other input shows.
const REVISION: u32 = 1;

/// A hash of inputs, each with a name.
#[derive(Clone)]
pub(super) struct RecipeHasher(Sha256);

impl RecipeHasher {
    pub(super) fn new(what: &str) -> Self {
        Self(Sha256::new()).with("what", what).with("revision", REVISION.to_string())
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        // Lengths keep two inputs apart from one that looks like both.
        self.0.update(format!("{name} {}\n", value.len()));
        self.0.update(value);
        self
    }

    /// The hash, short enough for a tag.
    pub(super) fn hash(self) -> String {
        hex(&self.0.finalize()[..10])
    }
}

/// Bytes in lowercase hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_every_input_and_its_name() {
        let of = |name: &str, value: &str| RecipeHasher::new("node").with(name, value).hash();
        assert_eq!(of("a", "x"), of("a", "x"));
        assert_ne!(of("a", "x"), of("a", "y"));
        assert_ne!(of("a", "x"), of("b", "x"));
        assert_ne!(of("a", "x"), RecipeHasher::new("base").with("a", "x").hash());
        let (one, two) = (of("a", "xb 1\ny"), RecipeHasher::new("node").with("a", "x").with("b", "y").hash());
        assert_ne!(one, two, "an input may not look like two");
    }

    #[test]
    fn a_hash_fits_into_a_tag() {
        let hash = RecipeHasher::new("node").hash();
        assert!(hash.len() == 20 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    }

    #[test]
    fn packages_are_sorted_and_named_once() {
        assert!(NODE_PACKAGES.is_sorted_by(|a, b| a < b));
        assert!(PART_PACKAGES.is_sorted_by(|a, b| a < b));
    }
}
