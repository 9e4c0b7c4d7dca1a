//! `kube::Error` with a `Display` that fits into a log line, an Event or a condition.
//!
//! kube's own `Display` prints the whole Status as a Rust structure; this one prints the Status' message.

use std::fmt;

/// An error of the API, displayed as the server's own message.
#[derive(Debug)]
pub struct ApiError(Box<kube::Error>);

impl ApiError {
    /// True for a 409 with reason `Conflict`: the object was read before somebody else's write.
    pub fn is_conflict(&self) -> bool {
        matches!(self.0.as_ref(), kube::Error::Api(status) if status.is_conflict())
    }

    /// True for a 404, for a missing object as for a kind that is not served.
    pub fn is_not_found(&self) -> bool {
        // A kind that is not served has no Status behind its 404, so its reason says nothing.
        matches!(self.0.as_ref(), kube::Error::Api(status) if status.code == 404)
    }

    /// The wrapped error.
    pub fn into_inner(self) -> kube::Error {
        *self.0
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            kube::Error::Api(status) if !status.message.is_empty() => f.write_str(&status.message),
            kube::Error::Api(status) => write!(f, "the server answered {}", status.code),
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::ApiError;

    fn error(code: u16, reason: &str) -> ApiError {
        let status = Status::failure("machines \"a\" are busy", reason).with_code(code);
        kube::Error::Api(Box::new(status)).into()
    }

    #[test]
    fn display_is_the_message_of_the_status() {
        assert_eq!(error(409, "Conflict").to_string(), "machines \"a\" are busy");
    }

    #[test]
    fn a_kind_that_is_not_served_is_not_found() {
        assert!(error(404, "Failed to parse error data").is_not_found());
        assert!(!error(409, "Conflict").is_not_found());
    }

    #[test]
    fn only_reason_conflict_is_a_conflict() {
        assert!(error(409, "Conflict").is_conflict());
        assert!(!error(403, "Forbidden").is_conflict());
        assert!(!error(409, "AlreadyExists").is_conflict());
    }
}
