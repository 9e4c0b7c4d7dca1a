//! Matchers of an object's presence.

use crate::expect::{Matcher, Mismatch};

/// Made by [`exist`].
pub struct Exist;

/// Made by [`be_gone`].
pub struct BeGone;

/// The object is there.
pub fn exist() -> Exist {
    Exist
}

/// The object is not there: gone, or not there yet. An object that is marked for deletion is still there.
pub fn be_gone() -> BeGone {
    BeGone
}

impl<T> Matcher<T> for Exist {
    fn expected(&self) -> String {
        "exist".into()
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        // Not `Mismatch::absent`: absence is what this matcher is about, and `not(exist())` means it.
        actual.map(drop).ok_or_else(|| Mismatch::new("it is not there"))
    }
}

impl<T> Matcher<T> for BeGone {
    fn expected(&self) -> String {
        "be gone".into()
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        if actual.is_some() { Err(Mismatch::new("it is there")) } else { Ok(()) }
    }
}
