//! How a spec looks at its cluster: what it looks at, by watch, what it should be, and the story that is
//! told when it is not.

mod source;
mod subject;

mod follow;

mod consistently;
mod eventually;
mod expect_value;
mod promise;

mod matcher;
pub mod matchers;
pub mod stop;

mod difference;
mod readable;
mod record;

#[cfg(test)]
mod script;

pub use consistently::Consistently;
pub(crate) use difference::{FieldChange, changes, seconds, short, text_difference, yaml};
pub use eventually::Eventually;
pub use expect_value::Expect;
pub(crate) use follow::Sight;
pub use matcher::{Matcher, MatcherList, Mismatch};
pub(crate) use readable::readable;
pub use source::{Probe, Target};
pub(crate) use subject::Subject;
pub use subject::{Collection, Object, Observable};
