//! Sources of nondeterminism: time, ids and faults; and the request log.

pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod ids;
pub(crate) mod request_log;
