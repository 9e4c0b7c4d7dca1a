//! The binaries of kind and of Docker's client, which kind calls.
//!
//! It asks the chain that finds every binary of ours; it does not know how that looks for one.

use std::path::PathBuf;

use seatrial_envtest::assets::{self, Binary, Request};

use super::error::KindError;

/// Finds kind, or installs the pinned version with the Go toolchain: this can take minutes, once per machine.
pub(super) async fn kind() -> Result<PathBuf, KindError> {
    // kind talks to Docker through its command line client.
    which::which("docker").map_err(|error| KindError::NoKind {
        reason: format!("kind calls `docker`, and that cannot be found: {error}"),
        next: "install Docker's client (Debian: docker.io)".to_owned(),
    })?;
    let missing = |reason: String| KindError::NoKind {
        reason,
        next: "install it (`go install sigs.k8s.io/kind@v0.33.0`), or name it with TEST_ASSET_KIND"
            .to_owned(),
    };
    let request = Request::only(None, [Binary::Kind]).map_err(|error| missing(error.to_string()))?;
    let found = assets::resolve(&request).await.map_err(|error| missing(error.to_string()))?;
    let path = found.path(Binary::Kind).expect("what was asked for and not found is an error");
    Ok(path.to_owned())
}
