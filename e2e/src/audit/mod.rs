//! Checks of an operator's rights against its requests in the API server's audit log.
//!
//! `policy` says what the server writes down, `trail` reads it, `rights` compares it with RBAC rules: requests that
//! were denied, and rules that no request needed. Where the log lies is the tier's business.

#[cfg(feature = "envtest")]
pub(crate) mod policy;

mod trail;

mod rights;

mod spec;

pub(crate) use rights::{Grant, grants_of};
pub use rights::{deny_nothing, use_every_rule};
#[cfg(feature = "envtest")]
pub(crate) use spec::{AdminConfig, AuditLog, AuditSource};
pub use trail::{AuditError, Request, Trail};
