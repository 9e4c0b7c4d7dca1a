//! Answers for people: `Table` and metadata-only forms.

pub(crate) mod age;
pub(crate) mod answer;
pub(crate) mod custom;
pub(crate) mod printer;
pub(crate) mod request;
