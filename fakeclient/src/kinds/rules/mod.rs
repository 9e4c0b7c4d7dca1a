//! Validation rules that several kinds share, with kube-apiserver's messages.

pub(crate) mod enums;
pub(crate) mod ip;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod ports;
