//! The official image of kind: its name, and its pull.
//!
//! It knows a registry's image by name only; what is done where it cannot be pulled is decided elsewhere.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt as _;
use seatrial_envtest::assets::{RequestedVersion, pins};

use crate::docker::reason;

/// Default image of kind 0.33 (its `defaults.Image`).
const DEFAULT: &str =
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5";

/// Timeout of a registry's answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The official image of a release: kind's own default for the default minor release, else by its number.
pub(super) fn name(wanted: &RequestedVersion) -> Option<String> {
    let default: RequestedVersion = pins::DEFAULT_MINOR.parse().expect("the default is a minor release");
    if *wanted == default {
        return Some(DEFAULT.to_owned());
    }
    wanted.preferred().map(|version| format!("kindest/node:v{version}"))
}

/// Pulls an image. The error is the server's reason.
pub(super) async fn pull(docker: &Docker, image: &str, say: fn(&str)) -> Result<(), String> {
    say(&format!("pulling {image} …"));
    let options = CreateImageOptionsBuilder::default().from_image(image).build();
    let mut progress = Box::pin(docker.create_image(Some(options), None, None));
    loop {
        match tokio::time::timeout(PATIENCE, progress.next()).await {
            Err(_) => return Err(format!("nothing came for {} s", PATIENCE.as_secs())),
            Ok(None) => return Ok(()),
            Ok(Some(Err(error))) => return Err(reason(&error)),
            Ok(Some(Ok(_))) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_release_is_kind_s_default_image_and_others_go_by_number() {
        let name = |wanted: &str| name(&wanted.parse().unwrap()).unwrap_or_default();
        assert_eq!(name("1.37"), DEFAULT);
        assert_eq!(name("1.36"), "kindest/node:v1.36.3");
        assert_eq!(name("1.37.2"), "kindest/node:v1.37.2");
        assert_eq!(name("1.20"), "", "a minor release without a pin has no number to go by");
    }
}
