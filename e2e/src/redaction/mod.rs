//! Redaction of the values of Secrets in logs, events, objects and reports.

mod mask;
mod redactor;

pub(crate) use mask::mask;
pub(crate) use redactor::{Redactor, RunSecrets};
