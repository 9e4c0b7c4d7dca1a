//! What an operator did with its rights, read from the API server's audit log.
//!
//! `policy` says what the server writes down, `trail` reads it, `rights` compares it with RBAC rules: requests that were
//! denied, and rules that no request needed. Where the log lies is the tier's business.

pub(crate) mod policy;

mod trail;

mod rights;

mod log;
mod spec;

pub(crate) use log::{AuditFile, AuditLog, AuditSource};
pub(crate) use rights::{Grant, grants_of};
pub use rights::{deny_nothing, use_every_rule};
pub(crate) use spec::AdminConfig;
pub use trail::{AuditError, Request, Trail};
