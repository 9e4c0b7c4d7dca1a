//! The last step: the Go toolchain builds the binaries from the released modules.

use sha2::{Digest as _, Sha256};

/// Flags that every build has.
const BUILD_FLAGS: [&str; 2] = ["-trimpath", "-mod=mod"];

/// Linker flags; the version is added for Kubernetes' own.
const LINKER_FLAGS: &str = "-s -w";

/// What a result depends on besides version and platform. Another recipe makes another folder in the cache.
pub(crate) fn recipe_hash() -> String {
    let recipe = format!("CGO_ENABLED=0 {BUILD_FLAGS:?} {LINKER_FLAGS}");
    Sha256::digest(recipe).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
