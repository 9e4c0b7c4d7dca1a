//! How a spec looks at its cluster: what it looks at, by watch, what it should be, and the story that is
//! told when it is not.

mod source;
mod subject;

mod context;

mod consistently;
mod eventually;
mod expect_value;
mod promise;

mod matcher;
pub mod matchers;
pub mod stop;

mod record;

#[cfg(test)]
pub(crate) mod script;

pub use consistently::Consistently;
pub use eventually::Eventually;
pub use expect_value::Expect;
pub use matcher::{Matcher, MatcherList, Mismatch};
pub use source::{Probe, Target};
pub use subject::{Collection, Object, Observable};
