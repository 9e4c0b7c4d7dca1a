//! Docker's error messages without the client's additions, and causes that the user can mend.
//!
//! It does not know what was being tried.

use std::error::Error as _;

/// The disk is full.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk is full: {doing} failed: {reason}\n  next: free some space (a node takes about 1.5 GB, and building its image \
     about 3 GB; `docker system df` shows what Docker uses, `cargo xtask e2e reap` removes clusters that nobody uses)"
)]
pub struct DiskFull {
    /// The operation that failed.
    pub doing: String,
    /// The words of who noticed.
    pub reason: String,
}

impl DiskFull {
    /// The operation, if this message says that a disk is full.
    pub(crate) fn recognise(doing: &str, reason: &str) -> Option<Self> {
        is_disk_full(reason).then(|| Self { doing: doing.to_owned(), reason: reason.to_owned() })
    }

    /// The same for a file that was to be `doing`: `written`.
    pub(crate) fn at(path: &std::path::Path, doing: &str, error: &std::io::Error) -> Option<Self> {
        let full = error.kind() == std::io::ErrorKind::StorageFull;
        let doing = || format!("{} could not be {doing}, which", path.display());
        full.then(|| Self { doing: doing(), reason: error.to_string() })
    }
}

/// True if these words say that a disk is full.
fn is_disk_full(words: &str) -> bool {
    words.to_ascii_lowercase().contains("no space left on device")
}

/// Docker's own words, without the client's around them.
pub(crate) fn reason(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, message } => format!("{message} ({status_code})"),
        Error::DockerStreamError { error } => error.clone(),
        other => {
            let causes = std::iter::successors(other.source(), |&error| error.source());
            causes.fold(other.to_string(), |text, cause| {
                let cause = cause.to_string();
                if text.contains(&cause) { text } else { format!("{text}: {cause}") }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_recognised_by_messages_and_system_errors() {
        let full =
            DiskFull::recognise("creating network x", "write /var/lib: No space left on device").unwrap();
        assert!(full.to_string().starts_with("the disk is full: creating network x failed: write"), "{full}");
        assert_eq!(DiskFull::recognise("creating network x", "pool overlaps"), None);
        let path = std::path::Path::new("/x");
        let full = DiskFull::at(path, "written", &std::io::ErrorKind::StorageFull.into()).unwrap();
        assert!(full.to_string().starts_with("the disk is full: /x could not be written, which"), "{full}");
        assert_eq!(DiskFull::at(path, "written", &std::io::ErrorKind::NotFound.into()), None);
    }

    #[test]
    fn docker_errors_omit_the_client_s_additions() {
        let message = "no such image".to_owned();
        let error = bollard::errors::Error::DockerResponseServerError { status_code: 404, message };
        assert_eq!(reason(&error), "no such image (404)");
    }
}
