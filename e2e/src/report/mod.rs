//! What a run leaves for other programs to read.

mod json;

pub(crate) use json::{Entry, Outcome, Report};
