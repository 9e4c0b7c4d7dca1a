//! Rules that several kinds share, each with the real server's words.

pub(crate) mod enums;
pub(crate) mod ip;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod numbers;
pub(crate) mod ports;
