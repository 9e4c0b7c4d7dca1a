//! The HTTP layer: requests → typed operations, outcomes → responses. No module below it uses HTTP.

pub(crate) mod service;

pub(crate) mod request_info;
pub(crate) mod route;

pub(crate) mod media;
pub(crate) mod options;
pub(crate) mod query;

pub(crate) mod dispatch;
pub(crate) mod render;
pub(crate) mod response;

pub(crate) mod discovery;
pub(crate) mod documents;
pub(crate) mod openapi;
pub(crate) mod version;
pub(crate) mod webhooks;

#[cfg(feature = "serve")]
pub(crate) mod socket;
