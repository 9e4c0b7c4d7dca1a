//! Admission webhooks: matching, reviews and answers.

pub(crate) mod conditions;
pub(crate) mod matching;
pub(crate) mod reinvocation;
pub(crate) mod response;
pub(crate) mod review;
