//! Bytes ⇄ typed requests. HTTP ends here: below, nobody sees a header.

pub(crate) mod body;
pub(crate) mod media;
pub(crate) mod options;
pub(crate) mod request_info;
pub(crate) mod response;
pub(crate) mod service;
pub(crate) mod socket;
