//! Requested and obtained node images.

use std::io::Write as _;

use seatrial_envtest::assets::{RequestedVersion, Version, VersionError, pins};

/// A wish for a node image.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) version: RequestedVersion,
    pub(super) image: Option<String>,
    pub(super) build: bool,
    pub(super) say: fn(&str),
}

impl Request {
    /// An image of this Kubernetes release (`1.37`, `1.36.3`), or of the default one.
    pub fn new(version: Option<&str>) -> Result<Self, VersionError> {
        let version = version.unwrap_or(pins::DEFAULT_MINOR).parse()?;
        Ok(Self { version, image: None, build: false, say: to_standard_error })
    }

    /// This image and no other: it is pulled if it is not here, and never built.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// Build it even where the official image could be pulled.
    #[must_use]
    pub fn build(mut self, yes: bool) -> Self {
        self.build = yes;
        self
    }

    /// Receiver of progress lines. The default is standard error.
    #[must_use]
    pub fn say(mut self, say: fn(&str)) -> Self {
        self.say = say;
        self
    }

    /// The exact release to build: the one that was named, or the pin of the minor release.
    pub(super) fn release(&self) -> Option<Version> {
        self.version.preferred()
    }
}

fn to_standard_error(line: &str) {
    // Nobody may be there to read it; the work goes on.
    let _ = writeln!(std::io::stderr(), "seatrial: {line}");
}

/// A node image that Docker has, for Docker's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeImage {
    /// The name to give to kind.
    pub name: String,
    /// Docker's identity of the image, which changes with its content.
    pub id: String,
    /// Origin.
    pub origin: Origin,
    /// True if it brings a network for Pods. One that was built here does not: its clusters need
    /// `disableDefaultCNI` and routes between the nodes.
    pub has_network: bool,
}

/// Origin of a node image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was here, by its name.
    Here,
    /// It was pulled now.
    Pulled,
    /// It was built here earlier, of the same ingredients.
    BuiltBefore,
    /// It was built now.
    Built,
}
