//! The one place where versions are pinned, so that an upgrade is an edit of this file.
//!
//! It knows numbers only: not where a binary comes from, nor how it is built.

use super::version::Version;

/// The minor release used when nobody asks for another.
pub const DEFAULT_MINOR: &str = "1.37";

/// etcd, for every Kubernetes release below (each of them supports etcd 3.7's v3 API).
pub const ETCD: Version = Version::new(3, 7, 3);

/// kind, for those who install it by version.
pub const KIND: Version = Version::new(0, 33, 0);

/// The patch release that stands for a minor release, newest first.
const KUBERNETES: [Version; 4] =
    [Version::new(1, 37, 2), Version::new(1, 36, 3), Version::new(1, 35, 4), Version::new(1, 34, 4)];

/// The pinned patch release of a minor release, if there is one.
pub fn kubernetes(major: u32, minor: u32) -> Option<Version> {
    KUBERNETES.into_iter().find(|pin| pin.major == major && pin.minor == minor)
}

/// All pinned Kubernetes releases, newest first.
pub fn all_kubernetes() -> impl Iterator<Item = Version> {
    KUBERNETES.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::version::Wanted;

    #[test]
    fn the_default_minor_has_a_pin_and_is_the_newest() {
        let wanted: Wanted = DEFAULT_MINOR.parse().unwrap();
        assert_eq!(wanted.preferred(), all_kubernetes().next());
    }

    #[test]
    fn pins_are_sorted_newest_first() {
        assert!(KUBERNETES.is_sorted_by(|a, b| a > b));
    }
}
