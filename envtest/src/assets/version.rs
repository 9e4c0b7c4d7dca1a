//! Versions of releases, and requests for a minor release or an exact one.

use std::{fmt, str::FromStr};

use super::pins;

/// An exact release such as `1.37.2`, or a pre-release such as `1.38.0-beta.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Patch number.
    pub patch: u32,
    /// The text after the first `-` of a pre-release.
    pub pre: Option<String>,
}

impl Version {
    /// A release that is not a pre-release.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch, pre: None }
    }

    /// The version of Kubernetes' staging modules (`k8s.io/api` and its siblings): v1.37.2 is v0.37.2 there.
    pub(crate) fn staging(&self) -> Self {
        Self { major: 0, ..self.clone() }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |v: &Self| (v.major, v.minor, v.patch, v.pre.is_none(), v.pre.clone());
        key(self).cmp(&key(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        self.pre.as_ref().map_or(Ok(()), |pre| write!(f, "-{pre}"))
    }
}

/// The error of a malformed version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a Kubernetes version: write a minor release (\"1.37\") or an exact one (\"1.37.2\")"
)]
pub struct VersionError {
    text: String,
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        match text.parse()? {
            RequestedVersion::Exact(version) => Ok(version),
            RequestedVersion::Minor(..) => Err(VersionError { text: text.to_owned() }),
        }
    }
}

/// A request for a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedVersion {
    /// Any patch release of this minor release; the pinned one is preferred.
    Minor(u32, u32),
    /// This release and no other.
    Exact(Version),
}

impl RequestedVersion {
    /// The preferred release: the exact one, or the pinned one of the minor release.
    pub fn preferred(&self) -> Option<Version> {
        match self {
            Self::Exact(version) => Some(version.clone()),
            Self::Minor(major, minor) => pins::kubernetes(*major, *minor),
        }
    }

    /// True if `version` satisfies the request. Only an exact request accepts a pre-release.
    pub fn accepts(&self, version: &Version) -> bool {
        match self {
            Self::Exact(wanted) => wanted == version,
            Self::Minor(major, minor) => {
                version.major == *major && version.minor == *minor && version.pre.is_none()
            }
        }
    }

    /// The preferred release if it is offered, or else the newest accepted one.
    pub fn choose(&self, offered: impl IntoIterator<Item = Version>) -> Option<Version> {
        let preferred = self.preferred();
        offered
            .into_iter()
            .filter(|v| self.accepts(v))
            .max_by_key(|v| (Some(v) == preferred.as_ref(), v.clone()))
    }
}

impl fmt::Display for RequestedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(major, minor) => write!(f, "{major}.{minor}"),
            Self::Exact(version) => version.fmt(f),
        }
    }
}

impl FromStr for RequestedVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError { text: text.to_owned() };
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (numbers, pre) = match bare.split_once('-') {
            Some((numbers, pre)) if is_pre_release(pre) => (numbers, Some(pre.to_owned())),
            Some(_) => return Err(error()),
            None => (bare, None),
        };
        let parts = numbers.split('.').map(number).collect::<Option<Vec<u32>>>().ok_or_else(error)?;
        match (parts.as_slice(), pre) {
            ([major, minor], None) => Ok(Self::Minor(*major, *minor)),
            ([major, minor, patch], pre) => {
                Ok(Self::Exact(Version { major: *major, minor: *minor, patch: *patch, pre }))
            }
            _ => Err(error()),
        }
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Letters, digits, dots and hyphens: a version becomes part of folder names and addresses, so nothing else.
fn is_pre_release(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("1.37", "1.37")]
    #[case("v1.37.2", "1.37.2")]
    #[case("1.38.0-beta.1", "1.38.0-beta.1")]
    fn a_version_round_trips(#[case] text: &str, #[case] written: &str) {
        assert_eq!(text.parse::<RequestedVersion>().unwrap().to_string(), written);
    }

    #[rstest]
    fn malformed_versions_are_rejected(
        #[values("", "1", "latest", "1.37.x", "1.2.3.4", "1.37-", "1.37-rc.0", "+1.37", "1.37.2-a/../b")]
        text: &str,
    ) {
        assert!(text.parse::<RequestedVersion>().is_err(), "{text:?} was taken for a version");
    }

    #[test]
    fn the_pin_is_preferred_over_a_newer_patch() {
        let wanted: RequestedVersion = "1.37".parse().unwrap();
        let offered = ["1.37.0", "1.37.2", "1.37.9", "1.36.3"].map(version);
        assert_eq!(wanted.choose(offered), Some(version("1.37.2")));
    }

    #[test]
    fn without_the_pin_the_newest_patch_is_used() {
        let wanted: RequestedVersion = "1.37".parse().unwrap();
        let offered = ["1.37.9", "1.37.10", "1.38.0", "1.37.11-rc.0"].map(version);
        assert_eq!(wanted.choose(offered), Some(version("1.37.10")));
    }

    #[test]
    fn an_exact_request_accepts_no_other_patch() {
        let wanted: RequestedVersion = "1.37.1".parse().unwrap();
        assert_eq!(wanted.choose(["1.37.2"].map(version)), None);
    }

    #[test]
    fn a_pre_release_is_older_than_its_release() {
        assert!(version("1.38.0-rc.1") < version("1.38.0"));
    }
}
