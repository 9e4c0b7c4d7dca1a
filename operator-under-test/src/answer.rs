//! What the API answered when it did not do what it was asked, in words that fit into a sentence.
//!
//! kube's own text repeats itself and shows Rust structures; people who read a log, an event or a condition
//! want what the server said.

use std::fmt;

/// An error of the API, displayed as the server's own message.
#[derive(Debug)]
pub struct Answer(Box<kube::Error>);

impl Answer {
    /// Whether somebody else wrote first, so that what was read is only old.
    pub fn is_conflict(&self) -> bool {
        matches!(self.0.as_ref(), kube::Error::Api(status) if status.is_conflict())
    }

    /// Whether what was asked about does not exist, be it the object or the whole kind.
    pub fn is_not_found(&self) -> bool {
        // A kind that is not served has no Status behind its 404, so its reason says nothing.
        matches!(self.0.as_ref(), kube::Error::Api(status) if status.code == 404)
    }

    /// The error as kube gave it.
    pub fn into_inner(self) -> kube::Error {
        *self.0
    }
}

impl From<kube::Error> for Answer {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Answer {
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

    use super::Answer;

    fn answer(code: u16, reason: &str) -> Answer {
        let status = Status::failure("machines \"a\" are busy", reason).with_code(code);
        kube::Error::Api(Box::new(status)).into()
    }

    #[test]
    fn the_servers_own_message_is_shown_once_and_alone() {
        assert_eq!(answer(409, "Conflict").to_string(), "machines \"a\" are busy");
    }

    #[test]
    fn a_kind_that_is_not_served_is_not_found() {
        assert!(answer(404, "Failed to parse error data").is_not_found());
        assert!(!answer(409, "Conflict").is_not_found());
    }

    #[test]
    fn only_a_stale_write_is_a_conflict() {
        assert!(answer(409, "Conflict").is_conflict());
        assert!(!answer(403, "Forbidden").is_conflict());
        assert!(!answer(409, "AlreadyExists").is_conflict());
    }
}
