//! Bytes ⇄ typed requests. HTTP ends here: below, nobody sees a header.

pub(crate) mod body;
pub(crate) mod discovery;
pub(crate) mod media;
pub(crate) mod openapi;
pub(crate) mod options;
pub(crate) mod request_info;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod service;
pub(crate) mod socket;
pub(crate) mod version;
