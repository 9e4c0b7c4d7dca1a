//! Matcher of requests that the API server rejects.

use kube::core::Status;

use crate::context::RequestError;
use crate::expect::{Matcher, Mismatch};
use crate::failure::{sentence, status_sentence};

/// The reason of a Status that has none.
const UNKNOWN: &str = "Unknown";

/// Made by [`be_rejected`].
pub struct BeRejected {
    reason: String,
    saying: Vec<String>,
}

/// The request was refused with this reason: `be_rejected("Invalid").saying("spec.machines")`. A Status without a
/// reason, such as most denials of webhooks, has the reason `Unknown`, as in client-go.
pub fn be_rejected(reason: &str) -> BeRejected {
    BeRejected { reason: reason.into(), saying: Vec::new() }
}

impl BeRejected {
    /// The Status' message also has this in it.
    #[must_use]
    pub fn saying(mut self, part: &str) -> Self {
        self.saying.push(part.into());
        self
    }
}

/// An error that an API server's Status may stand behind.
pub trait StatusError: std::error::Error + 'static {
    /// The Status, if the API server answered.
    fn answer(&self) -> Option<&Status>;
}

impl StatusError for RequestError {
    fn answer(&self) -> Option<&Status> {
        self.status()
    }
}

impl StatusError for kube::Error {
    fn answer(&self) -> Option<&Status> {
        match self {
            Self::Api(status) => Some(status),
            _ => None,
        }
    }
}

impl<T, E: StatusError> Matcher<Result<T, E>> for BeRejected {
    fn expected(&self) -> String {
        let saying: Vec<_> = self.saying.iter().map(|part| format!(" saying {part:?}")).collect();
        format!("be rejected as {}{}", self.reason, saying.join(" and"))
    }

    fn check(&self, actual: Option<&Result<T, E>>) -> Result<(), Mismatch> {
        let error = match actual {
            None => return Err(Mismatch::absent()),
            Some(Ok(_)) => return Err(Mismatch::new("it was accepted")),
            Some(Err(error)) => error,
        };
        let Some(status) = error.answer() else {
            return Err(Mismatch::new(format!("there was no answer: {}", sentence(error))));
        };
        let reason = if status.reason.is_empty() { UNKNOWN } else { &status.reason };
        if reason == self.reason && self.saying.iter().all(|part| status.message.contains(part)) {
            return Ok(());
        }
        Err(Mismatch::new(format!("it was answered with {}", status_sentence(status))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: &str, message: &str) -> Result<(), kube::Error> {
        let status =
            Status { code: 422, reason: reason.into(), message: message.into(), ..Status::default() };
        Err(kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn the_reason_and_the_message_must_be_right() {
        let matcher = be_rejected("Invalid").saying("spec.machines");
        assert_eq!(matcher.check(Some(&refused("Invalid", "spec.machines: must be positive"))), Ok(()));
        let other = matcher.check(Some(&refused("Invalid", "spec.version: unknown"))).unwrap_err();
        assert_eq!(other.why(), "it was answered with 422 Invalid: spec.version: unknown");
        assert!(matcher.check(Some(&refused("Conflict", "spec.machines"))).is_err());
        assert_eq!(be_rejected("Unknown").check(Some(&refused("", "denied"))), Ok(()));
    }

    #[test]
    fn a_request_that_was_accepted_is_a_mismatch() {
        assert_eq!(
            be_rejected("Invalid").check(Some(&Ok::<(), kube::Error>(()))).unwrap_err().why(),
            "it was accepted"
        );
    }
}
