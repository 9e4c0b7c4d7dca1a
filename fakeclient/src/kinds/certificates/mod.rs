//! Kinds of the group `certificates.k8s.io`.

pub(crate) mod signing_request;
