//! Expectations: targets, watches, matchers, and failure messages.

mod source;
mod subject;

mod context;

mod consistently;
mod eventually;
mod expect_value;
mod unchecked;

mod matcher;
pub mod matchers;
pub mod stop;

mod wait_record;

#[cfg(test)]
pub(crate) mod scripted;

pub use consistently::Consistently;
pub use eventually::Eventually;
pub use expect_value::Expect;
pub use matcher::{Matcher, MatcherList, Mismatch};
pub use source::{Probe, Target};
pub use subject::{Collection, Object, Observable};
