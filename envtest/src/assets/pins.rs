//! The pinned versions of all binaries.

use super::version::Version;

/// The default minor release.
pub const DEFAULT_MINOR: &str = "1.37";

/// The version of etcd, for all Kubernetes releases below.
pub const ETCD: Version = Version::new(3, 7, 3);

/// The version of kind.
pub const KIND: Version = Version::new(0, 33, 0);

/// The patch release of each minor release, newest first.
const KUBERNETES: [Version; 4] =
    [Version::new(1, 37, 2), Version::new(1, 36, 3), Version::new(1, 35, 4), Version::new(1, 34, 4)];

/// The pinned patch release of a minor release, if there is one.
pub fn kubernetes(major: u32, minor: u32) -> Option<Version> {
    KUBERNETES.into_iter().find(|pin| pin.major == major && pin.minor == minor)
}

/// The version of CoreDNS by minor release (`CoreDNSVersion` in kubeadm's constants), newest first.
const COREDNS: [(u32, Version); 4] = [
    (37, Version::new(1, 14, 6)),
    (36, Version::new(1, 14, 2)),
    (35, Version::new(1, 13, 1)),
    (34, Version::new(1, 12, 1)),
];

/// The version of CoreDNS for a Kubernetes release. Releases newer than all pins have that of the newest pin.
pub fn coredns(kubernetes: &Version) -> Version {
    let pinned = COREDNS.into_iter().find(|(minor, _)| *minor <= kubernetes.minor);
    pinned.map_or(COREDNS[COREDNS.len() - 1].1.clone(), |(_, version)| version)
}

/// All pinned Kubernetes releases, newest first.
pub fn all_kubernetes() -> impl Iterator<Item = Version> {
    KUBERNETES.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::version::RequestedVersion;

    #[test]
    fn the_default_minor_has_a_pin_and_is_the_newest() {
        let wanted: RequestedVersion = DEFAULT_MINOR.parse().unwrap();
        assert_eq!(wanted.preferred(), all_kubernetes().next());
    }

    #[test]
    fn every_pinned_release_has_its_kubeadms_coredns() {
        for pin in all_kubernetes() {
            assert!(COREDNS.iter().any(|(minor, _)| *minor == pin.minor), "no CoreDNS for {pin}");
        }
        assert_eq!(coredns(&Version::new(1, 36, 3)), Version::new(1, 14, 2));
        assert_eq!(coredns(&Version::new(1, 99, 0)), coredns(&Version::new(1, 37, 0)));
        assert_eq!(coredns(&Version::new(1, 20, 0)), coredns(&Version::new(1, 34, 0)));
    }

    #[test]
    fn pins_are_sorted_newest_first() {
        assert!(KUBERNETES.is_sorted_by(|a, b| a > b));
    }
}
